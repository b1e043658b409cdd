// The whole product in a browser: what a viewer, a model, an operator and a moderator do in an
// evening, on a phone and on a desktop. With SHOWBILL_SHOTS=<dir> each stop leaves a picture.
import t from 'tap';
import { adminJourney } from './journeys/admin.js';
import { cornersJourney, faultsJourney } from './journeys/corners.js';
import { openHouse } from './journeys/house.js';
import { modelJourney } from './journeys/model.js';
import { moderatorJourney } from './journeys/moderator.js';
import { regularJourney } from './journeys/regular.js';
import { type Judge, Tour, type View, VIEWS } from './journeys/tour.js';
import { viewerJourney } from './journeys/viewer.js';

// On a busy machine two widths of an evening take longer than other files.
t.setTimeout(900_000);
const house = await openHouse(t, process.env['SHOWBILL_SHOTS'] ?? '');
/** Which journeys to make, such as `viewer|model at phone`; empty = all. */
const wanted = new RegExp(process.env['SHOWBILL_JOURNEY'] ?? '');

type Run = (t: Judge, tour: Tour) => Promise<void>;

async function journey(who: string, view: View, run: Run): Promise<void> {
  const title = `${who} at ${view.name} width`;
  await t.test(title, { skip: !wanted.test(title) }, async (t) => {
    const tour = await Tour.begin(t, { house, who, view });
    await run(t, tour).catch((thrown: unknown) => tour.fail(thrown));
    await tour.end();
  });
}

for (const view of VIEWS) {
  const names = { viewer: `vera${view.name}`, friend: `frank${view.name}` };
  await journey('viewer', view, (t, tour) => viewerJourney(t, tour, names));
  await journey('model', view, modelJourney);
  await journey('moderator', view, moderatorJourney);
  await journey('admin', view, adminJourney);
  await journey('stranger', view, cornersJourney);
}
await journey('regular', VIEWS[0], regularJourney);
// The last one: broadcasts do not outlive it.
await journey('viewer without servers', VIEWS[0], faultsJourney);
