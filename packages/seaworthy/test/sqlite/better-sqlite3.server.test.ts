import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OwnHandle, synchronousSuite } from './synchronous-suite.ts'

// better-sqlite3 13 brings its programs in the package, but declares an install script that would compile them again. So it is no dependency here; the
// test gets it without scripts, once, into a folder of its own.
const folder = join(tmpdir(), 'seaworthy-better-sqlite3-13')
if (!existsSync(join(folder, 'node_modules/better-sqlite3/package.json'))) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder, 'better-sqlite3@13'], {
    stdio: 'inherit',
  })
}

interface BetterHandle extends OwnHandle {
  defaultSafeIntegers(on: boolean): unknown
}
const Database = createRequire(join(folder, 'package.json'))('better-sqlite3') as new (path: string) => BetterHandle

synchronousSuite({
  name: 'better-sqlite3',
  open: (path) => new Database(path),
  openUnusual: (path) => {
    const handle = new Database(path)
    handle.defaultSafeIntegers(true)
    return handle
  },
})
