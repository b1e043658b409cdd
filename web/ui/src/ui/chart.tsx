// A small bar chart over days, drawn by uPlot, which is fetched when the first chart is shown. The
// same numbers stand in a table beside it, so the picture is decoration for a screen reader.
import { useEffect, useRef, useSyncExternalStore } from 'react';
import type uPlot from 'uplot';

export interface ChartData {
  /** Unix seconds, ascending. */
  atSec: number[];
  values: number[];
  /** Name of the values. */
  label: string;
}

const heightPx = 180;
const halfDaySec = 43_200;

function color(element: Element, name: string): string {
  return getComputedStyle(element).getPropertyValue(name).trim();
}

async function draw(frame: HTMLElement, { atSec, values, label }: ChartData): Promise<uPlot> {
  const [{ default: UPlot }] = await Promise.all([
    import('uplot'),
    import('uplot/dist/uPlot.min.css'),
  ]);
  const axis = {
    stroke: color(frame, '--muted'),
    grid: { stroke: color(frame, '--line'), width: 1 },
    ticks: { stroke: color(frame, '--line'), width: 1 },
  };
  const bars = UPlot.paths.bars?.({ size: [0.7, 40] });
  return new UPlot(
    {
      width: frame.clientWidth,
      height: heightPx,
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: {
        // Room for the whole of the first and the last bar.
        x: { range: (_, min, max) => [min - halfDaySec, max + halfDaySec] },
        // A day of refunds alone hangs below the line.
        y: { range: (_, min, max) => [min < 0 ? min * 1.1 : 0, max > 0 ? max * 1.1 : 1] },
      },
      axes: [
        { ...axis, values: '{D}.{M}.' },
        { ...axis, size: 56 },
      ],
      series: [
        {},
        {
          label,
          points: { show: false },
          stroke: color(frame, '--accent-text'),
          fill: color(frame, '--bill'),
          ...(bars ? { paths: bars } : {}),
        },
      ],
    },
    [atSec, values],
    frame,
  );
}

const darkness = matchMedia('(prefers-color-scheme: dark)');

/** The canvas has its colours from when it was drawn: it is drawn again when they change. */
function useIsDark(): boolean {
  return useSyncExternalStore(
    (onChange) => {
      darkness.addEventListener('change', onChange);
      return () => darkness.removeEventListener('change', onChange);
    },
    () => darkness.matches,
  );
}

export function Chart({ data }: { data: ChartData }) {
  const ref = useRef<HTMLDivElement>(null);
  const isDark = useIsDark();
  useEffect(() => {
    const frame = ref.current;
    if (!frame || data.atSec.length === 0) return undefined;
    let chart: uPlot | undefined;
    let isLeft = false;
    void draw(frame, data)
      .then((drawn) => {
        if (isLeft) drawn.destroy();
        else chart = drawn;
      })
      // The table beside it tells the same.
      .catch(() => undefined);
    const resize = new ResizeObserver(() =>
      chart?.setSize({ width: frame.clientWidth, height: heightPx }),
    );
    resize.observe(frame);
    return () => {
      isLeft = true;
      resize.disconnect();
      chart?.destroy();
    };
  }, [data, isDark]);
  return <div className="chart" ref={ref} aria-hidden="true" data-testid="chart" />;
}
