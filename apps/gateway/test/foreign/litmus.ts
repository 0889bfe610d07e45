import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SuiteResults } from './suite-results.ts'

const TIMEOUT_MS = 60_000

/** Runs litmus, the WebDAV suite of neon's author, against the server at that port. It names its test in the header X-Litmus of each request. */
export async function runLitmus(port: number): Promise<SuiteResults> {
  // It leaves its logs where it runs.
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-litmus-'))
  try {
    const output = await new Promise<string>((resolve, reject) => {
      execFile('litmus', ['-k', `http://127.0.0.1:${port}/`], { cwd: folder, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
        // With a failing test it ends with another status than 0: what it says of each is the result.
        if (stdout.includes('summary for')) resolve(stdout)
        else reject(new Error(`litmus ended without a summary:\n${stdout}${stderr}`, { cause: error }))
      })
    })
    return resultsOf(output)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// Its groups, the tests of each, and what it says of the test that it named last; on a terminal it would write one over the other.
const TOKENS = /running `(?<group>\w+)'|(?<number>\d+)\. (?<name>\w+)[. ]|(?<said>WARNING: .*|pass\b|FAIL\b.*|SKIPPED\b.*)/g

/** By group, number and name, because a group asks some things more than once: `pass`, `FAIL (…)`, with the warnings before it. */
function resultsOf(output: string): SuiteResults {
  const results = new Map<string, string>()
  let [group, test, warnings] = ['', '', '']
  for (const { groups } of output.replaceAll('\r', '\n').matchAll(TOKENS)) {
    const { group: begun, number, name, said = '' } = groups!
    if (begun !== undefined) group = begun
    else if (name !== undefined) test = `${group} ${number} ${name}`
    else if (said.startsWith('WARNING')) warnings += `${said}; `
    else {
      results.set(test, warnings + said)
      warnings = ''
    }
  }
  return results
}
