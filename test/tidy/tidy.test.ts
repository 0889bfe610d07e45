import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Breach, bareTimeBreaches, chapterBreaches, errorBreaches, fileBreaches, importBreaches, testBreaches } from './rules.ts'
import { linkBreaches } from './links.ts'
import { tableBreaches } from './tables.ts'
import { parseSource, readSources, trackedFiles } from './source-files.ts'

const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '')
const tracked = trackedFiles(root)
const sources = readSources(
  root,
  tracked.filter((path) => /\.tsx?$/.test(path) && !path.includes('/gen/')),
)
const packageFolders = new Map(
  tracked
    .filter((path) => path.endsWith('/package.json'))
    .map((path) => [(JSON.parse(readFileSync(`${root}/${path}`, 'utf8')) as { name: string }).name, posix.dirname(path)] as const),
)

const none = (breaches: readonly Breach[]) => assert.equal(breaches.length, 0, `\n${breaches.join('\n')}`)

suite('the house rules', () => {
  test('imports follow the table', () => none(sources.flatMap((file) => importBreaches(file, packageFolders))))
  test('the library takes time and randomness from ports', () => none(sources.flatMap(bareTimeBreaches)))
  test('files are named for their concept, small, and leave nothing for later', () => none(sources.flatMap(fileBreaches)))
  test('every error stands in docs/errors.md', () => {
    const documented = readFileSync(`${root}/docs/errors.md`, 'utf8')
    none(sources.flatMap((file) => errorBreaches(file, documented)))
  })
  const pages = new Map(
    readSources(
      root,
      tracked.filter((path) => path.endsWith('.md')),
    ).map(({ path, text }) => [path, text]),
  )
  test('every row of a table has as many cells as its head', () => none([...pages].flatMap(([path, text]) => tableBreaches(path, text))))
  test('every link of a page leads somewhere', () => {
    const folders = tracked.flatMap((path) => path.split('/').map((_, index, parts) => parts.slice(0, index).join('/')))
    const paths = new Set([...tracked, ...folders])
    none([...pages.keys()].flatMap((path) => linkBreaches(path, pages, paths)))
  })
  test('no test runs alone', () => none(sources.flatMap(testBreaches)))
  test('every chapter opens with problem, guarantee and what is not promised', () => none(sources.flatMap(chapterBreaches)))
  test('the lock file and the configuration name no registry', () => {
    none(
      ['package-lock.json', '.npmrc', 'package.json'].filter((path) =>
        /https?:\/\/[^"\s]*(?:registry|npmjs)/.test(readFileSync(`${root}/${path}`, 'utf8')),
      ),
    )
  })
})

suite('the rules catch a planted breach', () => {
  const planted = (path: string, text: string) => parseSource(path, text)
  const caught = (breaches: readonly Breach[], why: RegExp) => {
    assert.equal(breaches.length, 1, breaches.join('\n'))
    assert.match(breaches[0]!, why)
  }

  test('a link to a page, or to a heading, that is not there', () => {
    const pages = new Map([
      ['docs/a.md', '[b](b.md#two-words) [c](c.md) [d](b.md#three)\n```\n[x](x.md)\n```'],
      ['docs/b.md', '## Two words!'],
    ])
    assert.deepEqual(linkBreaches('docs/a.md', pages, new Set(pages.keys())), [
      'docs/a.md:1: c.md is not there',
      'docs/a.md:1: docs/b.md has no heading #three',
    ])
  })
  test('a row of a table that code cuts in two', () => {
    const table = '| a | b |\n|---|---|\n| `x|y` | c |\n| `x\\|y` | c |\n\n| one |\n```\n| a | b |\n```'
    assert.deepEqual(tableBreaches('a.md', table), ['a.md:3: a row of 3 cells in a table of 2'])
  })
  test('core that imports messaging', () => {
    caught(
      importBreaches(planted('packages/seaworthy/src/core/x.ts', "import { a } from 'seaworthy/messaging'"), packageFolders),
      /may import nothing/,
    )
  })
  test('a chapter that reaches into another by path', () => {
    caught(
      importBreaches(planted('packages/seaworthy/src/outbox/x.ts', "import { a } from '../core/clock.ts'"), packageFolders),
      /by public name/,
    )
  })
  test('an import over several lines', () => {
    caught(
      importBreaches(planted('packages/seaworthy/src/core/x.ts', "import {\n  a,\n} from 'seaworthy/saga'"), packageFolders),
      /core\/x\.ts:3/,
    )
  })
  test('a library that takes on a dependency', () => {
    caught(importBreaches(planted('packages/seaworthy/src/core/x.ts', "import pino from 'pino'"), packageFolders), /no dependencies/)
  })
  test('a service that imports the code of another', () => {
    const text = "import { a } from '../../payments/domain/ledger.ts'"
    caught(importBreaches(planted('shop/services/orders/application/x.ts', text), packageFolders), /contract\/ only/)
  })
  test('a service may import the contract of another', () => {
    const text = "import { a } from '../../payments/contract/events.ts'"
    none(importBreaches(planted('shop/services/orders/application/x.ts', text), packageFolders))
  })
  test('a package that imports the shop', () => {
    caught(
      importBreaches(planted('packages/rpc/src/x.ts', "import { system } from '../../../shop/system.ts'"), packageFolders),
      /imports the shop/,
    )
  })
  test('a package that imports the conformance kit', () => {
    caught(
      importBreaches(planted('packages/rpc/src/x.ts', "import { OUTBOX_TESTS } from '@seaworthy/conformance'"), packageFolders),
      /only the cli/,
    )
  })
  test('a bare timer in the library', () => {
    caught(bareTimeBreaches(planted('packages/seaworthy/src/saga/x.ts', 'setTimeout(f, 1)')), /Clock and Random/)
  })
  test('an error that nobody documented', () => {
    const text = 'export class LostError extends SeaworthyError {}'
    caught(errorBreaches(planted('packages/rpc/src/errors.ts', text), 'LostErrorToo'), /not in docs\/errors.md/)
  })
  test('a vague name', () => {
    caught(fileBreaches(planted('packages/rpc/src/utils.ts', '')), /name the concept/)
  })
  test('a test that runs alone', () => {
    caught(testBreaches(planted('packages/rpc/test/x.test.ts', 'test.only(name, f)')), /alone/)
  })
})
