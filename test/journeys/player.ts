// What a viewer does with the player of a live show: the sound alone, theatre, picture in picture,
// a volume that is kept; and how far behind the stage it says it is.
import { videoAdvances } from '../../bench/testing/browser.js';
import type { Tour } from './tour.js';

/** The playing video, as far as the journey reads it. */
interface Video {
  readonly volume: number;
  readonly muted: boolean;
  readonly clientHeight: number;
  /** Lines of the rendition that plays. */
  readonly videoHeight: number;
}

async function video(tour: Tour): Promise<Video> {
  return tour.byId('video').evaluate((element) => {
    const { volume, muted, clientHeight, videoHeight } = element as unknown as Video;
    return { volume, muted, clientHeight, videoHeight };
  });
}

async function choose(tour: Tour, name: string): Promise<void> {
  await tour.page.locator('.player-menu summary').click();
  await tour.page.getByRole('group', { name: 'Quality' }).getByRole('button', { name }).click();
}

const pictureIs = (tour: Tour, height: number): Promise<true> =>
  tour.until(`the picture is ${height} lines high`, async () => {
    return (await video(tour)).videoHeight === height;
  });

/** A chosen quality is what plays, also when a playlist of it is refused once. */
async function quality(tour: Tour): Promise<void> {
  const { page, view } = tour;
  const chosen = async (name: string): Promise<void> => {
    await choose(tour, name);
    await page.locator('.player-menu summary').click();
    await page.locator('.player-menu [aria-pressed="true"]', { hasText: name }).waitFor();
    await page.keyboard.press('Escape');
  };
  let refused = 0;
  await chosen('240p');
  await page.route(
    (url) => url.pathname.startsWith('/h/') && url.pathname.endsWith('/v0.m3u8'),
    (route) => {
      refused += 1;
      return route.fulfill({ status: 404, body: '' });
    },
    { times: 1 },
  );
  await chosen('360p');
  await tour.until('a playlist has been refused', () => Promise.resolve(refused === 1));
  await pictureIs(tour, 360);
  // The picture of a phone is too small for more than 240 lines; a desktop chooses them itself.
  await chosen(view.name === 'phone' ? 'Automatic' : '240p');
  await pictureIs(tour, 240);
  await chosen('Automatic');
}

/** The sound alone hides the picture and plays on. */
async function soundAlone(tour: Tour): Promise<void> {
  const { page } = tour;
  await choose(tour, 'Audio only');
  await page.locator('.player-sound-only').waitFor();
  await videoAdvances(page);
  await tour.stop('room-audio-only');
  await choose(tour, 'Automatic');
  await page.locator('.player-sound-only').waitFor({ state: 'detached' });
}

/** Only where there is room for it: a phone has none of these buttons. */
async function shapes(tour: Tour): Promise<void> {
  const { page } = tour;
  const before = (await video(tour)).clientHeight;
  await tour.button('Theatre mode').click();
  await tour.until('the stage has grown', async () => (await video(tour)).clientHeight > before);
  await tour.stop('room-theatre');
  await tour.button('Theatre mode').click();
  const isFloating = () => page.evaluate<boolean>('document.pictureInPictureElement !== null');
  await tour.button('Picture in picture').click();
  await tour.until('the picture floats', isFloating);
  await tour.button('Picture in picture').click();
  await tour.until('the picture is back', async () => !(await isFloating()));
  await tour.field('Volume').fill('0.35');
}

export async function playerControls(tour: Tour): Promise<void> {
  const { page, view } = tour;
  await tour.until('the player says how far behind the stage it is', async () =>
    /\d\.\d s/.test((await tour.byId('latency').textContent({ timeout: 60_000 })) ?? ''),
  );
  await page.locator('.player-unmute').click();
  await soundAlone(tour);
  await quality(tour);
  const wanted = view.name === 'phone' ? 0.8 : 0.35;
  if (view.name === 'desktop') await shapes(tour);
  await page.reload();
  await videoAdvances(page);
  await tour.until('the volume is as it was left', async () => {
    const { volume, muted } = await video(tour);
    return !muted && Math.abs(volume - wanted) < 0.001;
  });
}
