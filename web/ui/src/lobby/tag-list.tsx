// Tags: in the lobby the ones in use now, to choose one; elsewhere those of a room, as links to the
// lobby.
import { fetchTags } from '../api/rooms.js';
import { Link } from '../router/link.js';
import { useLoad } from '../state/use-load.js';

interface TagChooserProps {
  chosen: string;
  onChoose: (tag: string) => void;
}

const shownMax = 12;

export function TagChooser({ chosen, onChoose }: TagChooserProps) {
  // Without tags the list works as well, so a failure is not worth words.
  const { data } = useLoad(fetchTags, []);
  const known = (data?.tags ?? []).map(({ tag }) => tag).slice(0, shownMax);
  const tags = chosen === '' || known.includes(chosen) ? known : [chosen, ...known];
  if (tags.length === 0) return null;
  return (
    <div className="tag-row" role="group" aria-label="Tags">
      {tags.map((tag) => (
        <button
          key={tag}
          type="button"
          className="tag"
          aria-pressed={chosen === tag}
          onClick={() => onChoose(chosen === tag ? '' : tag)}
        >
          {tag}
        </button>
      ))}
    </div>
  );
}

export function RoomTags({ tags }: { tags: readonly string[] }) {
  if (tags.length === 0) return null;
  return (
    <ul className="tag-row" aria-label="Tags">
      {tags.map((tag) => (
        <li key={tag}>
          <Link className="tag" href={`/?tag=${encodeURIComponent(tag)}`}>
            {tag}
          </Link>
        </li>
      ))}
    </ul>
  );
}
