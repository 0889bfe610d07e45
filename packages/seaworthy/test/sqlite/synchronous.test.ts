import { DatabaseSync } from 'node:sqlite'
import { synchronousSuite } from './synchronous-suite.ts'

synchronousSuite({
  name: 'node:sqlite',
  open: (path) => new DatabaseSync(path),
  openUnusual: (path) => new DatabaseSync(path, { readBigInts: true, returnArrays: true }),
})
