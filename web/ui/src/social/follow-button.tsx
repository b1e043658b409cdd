// Follow a room, to be told when it goes live. Shows the wish at once and takes it back when
// refused.
import { useEffect, useState } from 'react';
import { fetchFollowing, followRoom, unfollowRoom } from '../api/social.js';
import { toProblem } from '../api/problem.js';
import { Button } from '../ui/button.js';
import { BellIcon, CheckIcon } from '../ui/icons.js';

/** `isWide` keeps the words on small screens, too. */
export function FollowButton({ slug, isWide = false }: { slug: string; isWide?: boolean }) {
  const [isFollowing, setFollowing] = useState<boolean>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let isLeft = false;
    fetchFollowing()
      .then(({ slugs }) => {
        if (!isLeft) setFollowing(slugs.includes(slug));
      })
      .catch(() => undefined);
    return () => {
      isLeft = true;
    };
  }, [slug]);
  if (isFollowing === undefined) return null;
  const toggle = (): void => {
    setProblem(undefined);
    setFollowing(!isFollowing);
    (isFollowing ? unfollowRoom(slug) : followRoom(slug)).catch((error: unknown) => {
      setFollowing(isFollowing);
      setProblem(toProblem(error).message);
    });
  };
  return (
    <>
      <Button
        className={isWide ? '' : 'follow-button'}
        aria-pressed={isFollowing}
        icon={isFollowing ? <CheckIcon /> : <BellIcon />}
        onClick={toggle}
        data-testid="follow"
      >
        {isFollowing ? 'Following' : 'Follow'}
      </Button>
      <span className="visually-hidden" role="alert">
        {problem ?? ''}
      </span>
    </>
  );
}
