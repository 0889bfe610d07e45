import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  readonly imports: readonly { readonly specifier: string; readonly line: number }[]
}

const IMPORT =
  /^\s*(?:import|export)\b[^'"\n]*?from\s*['"]([^'"]+)['"]|^\s*\}\s*from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|^\s*import\s*['"]([^'"]+)['"]/

/** The files that git tracks or would track, so that a file that is about to be committed is held to the rules too. */
export function trackedFiles(root: string): readonly string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  return [...new Set(listed.split('\n').filter((path) => path !== ''))]
}

export function parseSource(path: string, text: string): SourceFile {
  const lines = text.split('\n')
  const imports = lines.flatMap((line, index) => {
    const found = IMPORT.exec(line)
    const specifier = found?.[1] ?? found?.[2] ?? found?.[3] ?? found?.[4]
    return specifier === undefined ? [] : [{ specifier, line: index + 1 }]
  })
  return { path, text, lines, imports }
}

export function readSources(root: string, paths: readonly string[]): readonly SourceFile[] {
  return paths.flatMap((path) => {
    try {
      return [parseSource(path, readFileSync(`${root}/${path}`, 'utf8'))]
    } catch {
      // Listed by git, deleted in the work tree.
      return []
    }
  })
}
