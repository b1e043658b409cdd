// CPU of a mariadbd that was started here.
import { readFileSync } from 'node:fs';
import { createConnection } from 'mysql2/promise';

/** The process of the server at `url`, which runs on this machine. */
export async function mariadbPid(url: string): Promise<number> {
  const connection = await createConnection({ uri: url });
  try {
    const [rows] = await connection.query('SELECT @@pid_file AS file');
    const [row] = rows as { file: string }[];
    return Number(readFileSync(row?.file ?? '', 'utf8'));
  } finally {
    await connection.end();
  }
}
