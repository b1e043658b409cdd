// Copies what tsc leaves behind (Lua, SQL) beside the compiled files, so that dist/ stands alone.
import { cpSync } from 'node:fs';

const FOLDERS = ['cluster', 'gateway', 'billing', 'rtmp', 'web'];

for (const folder of FOLDERS) {
  cpSync(folder, `dist/${folder}`, {
    recursive: true,
    filter: (source) =>
      !/(^|\/)(test|testing|ui)$/.test(source) &&
      (!/\.[a-z]+$/.test(source) || /\.(lua|sql)$/.test(source)),
  });
}
