import { posix } from 'node:path'
import { forbidden, placeOf } from './import-rules.ts'
import type { SourceFile } from './source-files.ts'

/** A place where a house rule is broken, as `path:line: why`. */
export type Breach = string

const isTest = (path: string) => /\.test\.tsx?$|\/test\//.test(path)
const isLibrary = (path: string) => path.startsWith('packages/seaworthy/src/')
const isGenerated = (path: string) => path.includes('/gen/')

/** Imports against the table, and the library by its public names between chapters. */
export function importBreaches(file: SourceFile, packageFolders: ReadonlyMap<string, string>): Breach[] {
  if (isTest(file.path)) return []
  const from = placeOf(file.path)
  return file.imports.flatMap(({ specifier, line }) => {
    const target = resolve(file.path, specifier, packageFolders)
    if (target === undefined) {
      return isLibrary(file.path) && !specifier.startsWith('node:')
        ? [`${file.path}:${line}: the library has no dependencies, but imports ${specifier}`]
        : []
    }
    const to = placeOf(target)
    const why = forbidden(from, to)
    if (why !== undefined) return [`${file.path}:${line}: imports ${specifier}: ${why}`]
    if (specifier.startsWith('.') && from.kind === 'chapter' && to.kind === 'chapter' && from.name !== to.name) {
      return [`${file.path}:${line}: imports ${specifier}: chapters import each other by public name, seaworthy/${to.name}`]
    }
    return []
  })
}

function resolve(from: string, specifier: string, packageFolders: ReadonlyMap<string, string>): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier)
  const [scope = '', name = ''] = specifier.split('/')
  if (scope === 'seaworthy') return `packages/seaworthy/src/${name}/index.ts`
  const folder = packageFolders.get(`${scope}/${name}`)
  return folder === undefined ? undefined : `${folder}/src/index.ts`
}

const BARE_TIME = /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bset(?:Timeout|Interval|Immediate)\(|\bperformance\.now\(/

/** Time and randomness come from ports, so that a run can be repeated. */
export function bareTimeBreaches(file: SourceFile): Breach[] {
  if (!isLibrary(file.path) || file.path.startsWith('packages/seaworthy/src/core/')) return []
  return matching(file, BARE_TIME, 'takes time or randomness from the process; use Clock and Random of seaworthy/core')
}

const LEFT_FOR_LATER = /\b(?:TODO|FIXME|XXX|HACK)\b/
const VAGUE_NAMES = /(?:^|\/)(?:utils?|helpers?|common|misc)(?:\/|\.tsx?$)/
const FILE_LINES_MAX = 400

/** Names, size, and what must not be left on main. */
export function fileBreaches(file: SourceFile): Breach[] {
  if (isGenerated(file.path)) return []
  const breaches: Breach[] = []
  const name = posix.basename(file.path)
  if (!/^[a-z0-9]+(?:[-.][a-z0-9]+)*\.tsx?$/.test(name)) breaches.push(`${file.path}: file names are kebab-case`)
  if (VAGUE_NAMES.test(file.path)) breaches.push(`${file.path}: name the concept; utils, helpers and common say nothing`)
  if (file.lines.length > FILE_LINES_MAX && !isTest(file.path))
    breaches.push(`${file.path}: ${file.lines.length} lines; one concept a file, at most ${FILE_LINES_MAX}`)
  if (!file.path.startsWith('test/tidy')) breaches.push(...matching(file, LEFT_FOR_LATER, 'is left for later; do it, or open an issue'))
  return breaches
}

const ALONE_OR_SKIPPED = /\b(?:test|it|describe|suite)\.(?:only|todo)\b|\bonly: true\b/

export function testBreaches(file: SourceFile): Breach[] {
  return file.path.endsWith('.test.ts') && !file.path.startsWith('test/tidy')
    ? matching(file, ALONE_OR_SKIPPED, 'runs alone or not at all')
    : []
}

/** A chapter's index opens with the problem, the guarantee, and what is not promised. */
export function chapterBreaches(file: SourceFile): Breach[] {
  if (!/^packages\/seaworthy\/src\/[^/]+\/index\.ts$/.test(file.path)) return []
  const opening = file.text.slice(0, file.text.indexOf('*/'))
  const missing = ['problem', 'guarantee', 'not promised'].filter((word) => !opening.toLowerCase().includes(word))
  const breaches = missing.map((word) => `${file.path}:1: the opening comment does not say: ${word}`)
  if (/^export \*/m.test(file.text)) breaches.push(`${file.path}: list public names one by one`)
  return breaches
}

const ERROR_CLASS = /^export class (\w+) extends (?:SeaworthyError|SqliteError|PostgresError|ConflictError)\b/

/** Every error that a user can meet stands in docs/errors.md, with a line for the engineer on call. */
export function errorBreaches(file: SourceFile, documented: string): Breach[] {
  if (!/^packages\/[^/]+\/src\//.test(file.path)) return []
  return file.lines.flatMap((line, index) => {
    const name = ERROR_CLASS.exec(line)?.[1]
    return name === undefined || new RegExp(`\\b${name}\\b`).test(documented)
      ? []
      : [`${file.path}:${index + 1}: ${name} is not in docs/errors.md`]
  })
}

function matching(file: SourceFile, pattern: RegExp, why: string): Breach[] {
  return file.lines.flatMap((line, index) => {
    const code = line.replace(/^\s*(?:\/\/|\*|\/\*).*$/, '')
    const found = pattern.exec(pattern === LEFT_FOR_LATER ? line : code)
    return found === null ? [] : [`${file.path}:${index + 1}: ${found[0]} ${why}`]
  })
}
