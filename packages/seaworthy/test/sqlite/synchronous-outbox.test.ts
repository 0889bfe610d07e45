import { DatabaseSync } from 'node:sqlite'
import { synchronousOutboxSuite } from './synchronous-outbox-suite.ts'

synchronousOutboxSuite({
  name: 'node:sqlite',
  open: (path) => new DatabaseSync(path),
  openUnusual: (path) => new DatabaseSync(path, { readBigInts: true, returnArrays: true }),
})
