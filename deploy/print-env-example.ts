// Prints deploy/env.example from the table of settings:
// npx tsx deploy/print-env-example.ts > deploy/env.example
import { envExample } from '../cluster/index.js';

process.stdout.write(envExample());
