// The tip goal of the room: what for, how far.
import { formatCredits } from '../format/credits.js';
import { TrophyIcon } from '../ui/icons.js';
import { goalPercent } from './room-values.js';
import type { Goal } from './room-values.js';

export function GoalBar({ goal }: { goal: Goal }) {
  const percent = goalPercent(goal);
  const isReached = percent === 100;
  const words = goal.text === '' ? 'Tip goal' : goal.text;
  return (
    <div className={isReached ? 'goal is-reached' : 'goal'} data-testid="goal">
      <div className="goal-words">
        <TrophyIcon />
        <span className="goal-text">{words}</span>
        <span className="number">
          {formatCredits(goal.sumMilli)} / {formatCredits(goal.targetMilli)}
        </span>
      </div>
      <progress className="goal-bar" max={100} value={percent} aria-label={words}>
        {percent} %
      </progress>
      <span className="visually-hidden" role="status">
        {isReached ? `The goal is reached: ${words}` : ''}
      </span>
    </div>
  );
}
