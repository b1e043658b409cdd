// Line icons of the interface, drawn on a 20 × 20 grid. Always decorative: the control carries the
// words.
import type { ReactNode } from 'react';

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const draw = (...paths: string[]) =>
  function DrawnIcon() {
    return (
      <Icon>
        {paths.map((path) => (
          <path key={path} d={path} />
        ))}
      </Icon>
    );
  };

export const EyeIcon = draw(
  'M1.8 10S4.8 4.5 10 4.5 18.2 10 18.2 10 15.2 15.5 10 15.5 1.8 10 1.8 10Z',
  'M10 12.4a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8Z',
);
export const TicketIcon = draw(
  'M2.5 7V4.5h15V7a3 3 0 0 0 0 6v2.5h-15V13a3 3 0 0 0 0-6Z',
  'M12.5 5v2M12.5 9v2M12.5 13v2',
);
export const SendIcon = draw('M3 10 17 3.5 13 17l-3.2-5.4L3 10Z', 'm9.8 11.6 3-3.4');
export const GiftIcon = draw(
  'M3.5 9.5h13v7.5h-13zM2.5 6h15v3.5h-15zM10 6v11',
  'M10 6S8.8 2.5 6.6 3 7 6 10 6ZM10 6s1.2-3.5 3.4-3S13 6 10 6Z',
);
export const MutedIcon = draw('M3 7.8v4.4h3L10 16V4L6 7.8H3Z', 'm13 8 4 4M17 8l-4 4');
export const VolumeIcon = draw(
  'M3 7.8v4.4h3L10 16V4L6 7.8H3Z',
  'M12.8 7.4a3.7 3.7 0 0 1 0 5.2M15 5.2a6.8 6.8 0 0 1 0 9.6',
);
export const FullscreenIcon = draw('M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4');
export const TheatreIcon = draw('M2.5 5h15v10h-15z', 'M6 12.5h8');
export const PictureIcon = draw('M2.5 4.5h15v11h-15z', 'M10 10h5v3.5h-5z');
export const GearIcon = draw(
  'M3 6h8M15 6h2M3 14h2M9 14h8',
  'M13 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM7 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
);
export const PlayIcon = draw('M6 4v12l10-6L6 4Z');
export const CopyIcon = draw('M7 7h9.5v9.5H7z', 'M13 7V3.5H3.5V13H7');
export const CheckIcon = draw('m4 10.5 4 4 8-9');
export const CloseIcon = draw('m4.5 4.5 11 11M15.5 4.5l-11 11');
export const DownIcon = draw('m5 8 5 5 5-5');
export const LockIcon = draw('M4.5 9h11v7.5h-11z', 'M6.8 9V6.4a3.2 3.2 0 0 1 6.4 0V9');
export const WarningIcon = draw('M10 3 2.2 16.5h15.6L10 3Z', 'M10 8v4M10 14.2v.3');
export const ClockIcon = draw('M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15Z', 'M10 5.5V10l3 2');
export const SearchIcon = draw(
  'M8.8 14.6a5.8 5.8 0 1 0 0-11.6 5.8 5.8 0 0 0 0 11.6Z',
  'm13 13 4 4',
);
export const KeyIcon = draw(
  'M7 12.5a3.8 3.8 0 1 0 0-7.6 3.8 3.8 0 0 0 0 7.6Z',
  'M10 10.5 16.5 17M14 14.5l2-2',
);
export const MenuIcon = draw('M3 6h14M3 10h14M3 14h14');
export const UserIcon = draw(
  'M10 9.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4Z',
  'M3.5 17c.6-3.4 3.2-5 6.5-5s5.9 1.6 6.5 5',
);
export const RefreshIcon = draw(
  'M16.5 8.5A6.8 6.8 0 0 0 4 6.8M3.5 3.5v3.8h3.8',
  'M3.5 11.5A6.8 6.8 0 0 0 16 13.2m.5 3.3v-3.8h-3.8',
);
export const ReplyIcon = draw('M8 5 3 10l5 5', 'M3.5 10H12c3 0 5 1.8 5 5');
export const TrashIcon = draw('M4 5.5h12M8 5.5V3.5h4v2', 'm5.5 5.5.7 11h7.6l.7-11');
export const BellIcon = draw(
  'M4.5 14c1-1 1.2-2.5 1.2-5a4.3 4.3 0 0 1 8.6 0c0 2.5.2 4 1.2 5h-11Z',
  'M8.3 16.3c.8 1 2.6 1 3.4 0',
);
export const ChartIcon = draw('M3 3v14h14', 'M6.5 13V9.5M10 13V6M13.5 13v-5');
export const FlagIcon = draw('M5 17.500V3', 'M5 3.500h9.500l-2 3.5 2 3.500H5');
export const PeopleIcon = draw(
  'M7.5 9.500a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.600Z',
  'M2 16.500c.4-3 2.6-4.5 5.5-4.500s5.1 1.5 5.5 4.5',
  'M12.5 4.200a2.8 2.8 0 0 1 0 5.100M14.8 12.400c1.8.6 2.9 2 3.2 4.1',
);
export const ChatIcon = draw('M3 4h14v9.500H9L5.5 17v-3.500H3V4Z');
export const HeadphonesIcon = draw(
  'M3.5 12v-2a6.5 6.5 0 0 1 13 0v2',
  'M3.5 11.500h3v5h-3zM13.5 11.500h3v5h-3z',
);
export const KeyboardIcon = draw(
  'M2 5.500h16v9H2z',
  'M5 8.500h.1M8 8.500h.1M11 8.500h.1M14 8.500h.1M6 11.500h8',
);
export const TrophyIcon = draw(
  'M6 3.500h8V9a4 4 0 0 1-8 0V3.500ZM10 13v3.500M6.5 16.500h7',
  'M6 5H3.200c0 2.8 1.2 4 2.8 4M14 5h2.800c0 2.8-1.2 4-2.8 4',
);
export const PlusIcon = draw('M10 4v12M4 10h12');
export const CalendarIcon = draw('M3 5h14v12H3zM3 8.500h14', 'M6.5 3v3.500M13.5 3v3.5');
export const PinIcon = draw('M7 3h6l-.8 5.2 2.8 2.8H5l2.8-2.8L7 3ZM10 11v6');
