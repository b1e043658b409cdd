// The keys of the player, and the switch that turns them off.
import { useStore } from '../state/use-store.js';
import { Dialog } from '../ui/dialog.js';
import { setShortcutsOn, shortcuts, shortcutsOn } from './use-shortcuts.js';

const names: Record<string, string> = { ArrowUp: '↑', ArrowDown: '↓' };

export function KeysDialog({ onClose }: { onClose: () => void }) {
  const isOn = useStore(shortcutsOn);
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div className="stack">
        <dl className="key-list">
          {Object.entries(shortcuts).map(([key, words]) => (
            <div key={key}>
              <dt>
                <kbd>{names[key] ?? key.toUpperCase()}</kbd>
              </dt>
              <dd>{words}</dd>
            </div>
          ))}
        </dl>
        <label className="check">
          <input
            type="checkbox"
            checked={isOn}
            onChange={(event) => setShortcutsOn(event.target.checked)}
          />
          Single keys act while watching
        </label>
      </div>
    </Dialog>
  );
}
