// The picture of one's account: sent as it is, so that its progress can be shown.
import { call, renewAccess } from './http.js';
import { parseProblem, toProblem } from './problem.js';

interface Answer {
  status: number;
  body: string;
}

/** `fetch` cannot tell how much of a body has gone out. */
function put(file: File, onProgress: (share: number) => void): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', '/api/v1/me/avatar');
    request.setRequestHeader('x-showbill', '1');
    // What it really is, the site finds out by its content.
    request.setRequestHeader('content-type', file.type === '' ? 'image/jpeg' : file.type);
    request.timeout = 120_000;
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => resolve({ status: request.status, body: request.responseText });
    const fail = (): void => reject(toProblem(new TypeError('the upload broke off')));
    request.onerror = fail;
    request.ontimeout = fail;
    request.onabort = fail;
    request.send(file);
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * Shown once it has been resized; `isAvatarPending` of `/me` tells. Throws a `Problem`.
 * @param onProgress share that has gone out, 0 to 1
 */
export async function uploadAvatar(file: File, onProgress: (share: number) => void): Promise<void> {
  let answer = await put(file, onProgress);
  if (answer.status === 401 && (await renewAccess())) answer = await put(file, onProgress);
  if (answer.status >= 200 && answer.status < 300) return;
  throw parseProblem(answer.status, readJson(answer.body));
}

/** Pictures of at most 100 accounts by id; who has none is left out. */
export async function fetchAvatars(userIds: readonly string[]): Promise<Map<string, string>> {
  const { avatars } = await call<{ avatars: { userId: string; avatarUrl: string }[] }>(
    'GET',
    `/avatars?users=${userIds.join()}`,
  );
  return new Map(avatars.map(({ userId, avatarUrl }) => [userId, avatarUrl]));
}

export const removeAvatar = (): Promise<unknown> => call('DELETE', '/me/avatar');
