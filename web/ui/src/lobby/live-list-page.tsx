// The front page: what is live now, by viewers, with filters; below it the rooms between shows.
import { useState } from 'react';
import { navigate } from '../router/router.js';
import { Button } from '../ui/button.js';
import { Blank, Loading } from '../ui/blank.js';
import { SearchIcon } from '../ui/icons.js';
import { Notice } from '../ui/notice.js';
import { RestingRoom, RoomCard } from './room-card.js';
import { filterNames, filters, layOut } from './room-filter.js';
import type { ListView, RoomFilter } from './room-filter.js';
import { TagChooser } from './tag-list.js';
import { useLiveRooms } from './use-live-rooms.js';
import '../styles/lobby.css';

interface FilterBarProps {
  filter: RoomFilter;
  search: string;
  onFilter: (filter: RoomFilter) => void;
  onSearch: (search: string) => void;
}

/** The chosen tag stands in the address, so that a tag can be linked to. */
function useTag(fromAddress: string): [string, (tag: string) => void] {
  const choose = (tag: string): void =>
    navigate(tag === '' ? '/' : `/?tag=${encodeURIComponent(tag)}`, { replace: true });
  return [fromAddress, choose];
}

function FilterBar({ filter, search, onFilter, onSearch }: FilterBarProps) {
  return (
    <div className="filter-bar" role="search">
      <div className="segmented" role="group" aria-label="Show">
        {filters.map((value) => (
          <button
            key={value}
            type="button"
            aria-pressed={filter === value}
            onClick={() => onFilter(value)}
          >
            {filterNames[value]}
          </button>
        ))}
      </div>
      <div className="search-field">
        <SearchIcon />
        <input
          className="input"
          type="search"
          aria-label="Search shows and models"
          placeholder="Show or model"
          value={search}
          onChange={(event) => onSearch(event.target.value)}
        />
      </div>
    </div>
  );
}

function Rooms({ view, isFiltered }: { view: ListView; isFiltered: boolean }) {
  if (view.live.length + view.resting.length === 0) {
    return (
      <div className="list-empty">
        <h2 className="display">{isFiltered ? 'No room fits' : 'The house is dark'}</h2>
        <p className="muted">
          {isFiltered
            ? 'Try another kind of show, another tag or fewer words.'
            : 'No model has opened a room yet. This page fills by itself as soon as one does.'}
        </p>
      </div>
    );
  }
  return (
    <>
      <section aria-labelledby="live-title">
        <h2 id="live-title" className="visually-hidden">
          Live shows
        </h2>
        <ul className="card-grid" data-testid="live-list">
          {view.live.map((room, index) => (
            <RoomCard key={room.id} room={room} isHeadline={index === 0 && !isFiltered} />
          ))}
        </ul>
      </section>
      {view.live.length === 0 ? (
        <p className="list-quiet muted">
          Nobody is on stage right now. The list updates by itself when a show begins.
        </p>
      ) : null}
      {view.resting.length === 0 ? null : (
        <section className="resting-list" aria-label="Between shows">
          <h2 className="section-title">Between shows</h2>
          <ul>
            {view.resting.map((room) => (
              <RestingRoom key={room.id} room={room} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

const pageSize = 48;
const listMax = 96;

export function LiveListPage({ tag: fromAddress }: { tag: string }) {
  const [tag, setTag] = useTag(fromAddress);
  const [filter, setFilter] = useState<RoomFilter>('all');
  const [search, setSearch] = useState('');
  const [limit, setLimit] = useState(pageSize);
  const { data, problem, reload } = useLiveRooms({ filter, typed: search, tag, limit });
  if (!data) {
    if (!problem) return <Loading label="Loading the live list" />;
    return (
      <Blank title="The list cannot be shown">
        <p>{problem.message}</p>
        <Button look="primary" onClick={reload}>
          Try again
        </Button>
      </Blank>
    );
  }
  const isStale = problem !== undefined || (data.unavailable ?? []).length > 0;
  return (
    <main className="page" id="main" tabIndex={-1}>
      <div className="list-head">
        <h1 className="display">On stage now</h1>
        <FilterBar filter={filter} search={search} onFilter={setFilter} onSearch={setSearch} />
      </div>
      <TagChooser chosen={tag} onChoose={setTag} />
      {isStale ? (
        <Notice tone="info">
          {problem?.message ?? 'Who is live cannot be checked at the moment.'} The list may be out
          of date.
        </Notice>
      ) : null}
      <Rooms
        view={layOut(data.rooms)}
        isFiltered={filter !== 'all' || search.trim() !== '' || tag !== ''}
      />
      {data.next !== undefined && limit < listMax ? (
        <div className="list-more">
          <Button onClick={() => setLimit(listMax)}>Show more rooms</Button>
        </div>
      ) : null}
    </main>
  );
}
