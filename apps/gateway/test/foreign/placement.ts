import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from '../../../../test/servers/cache.ts'
import { installDebianPackages } from '../../../../test/servers/debian.ts'
import type { SuiteResults } from './suite-results.ts'

const REQUIREMENTS = join(import.meta.dirname, 'placement-requirements.txt')
const SUITE = join(import.meta.dirname, 'placement-suite.py')
const TIMEOUT_MS = 300_000
const run = promisify(execFile)

/**
 * Brings OpenStack placement with all that it needs from PyPI into a cache folder of the user, once.
 * @returns its Python
 * @throws Error that says what to install, where there is no Python that makes environments
 */
export async function installPlacement(): Promise<string> {
  const digest = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 8)
  const environment = await cached(`placement-${digest}`, async (building) => {
    if (spawnSync('python3', ['-c', 'import ensurepip, venv']).status !== 0)
      installDebianPackages(['python3-venv'], 'Python 3.11 or newer with venv is missing. Debian: apt-get install python3-venv.')
    const made = join(building, 'environment')
    await run('python3', ['-m', 'venv', made])
    const flags = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--no-compile',
      '--requirement',
      REQUIREMENTS,
    ]
    await run(join(made, 'bin/python'), flags)
    return made
  })
  return join(environment, 'bin/python')
}

/** Where the two instances of placement listen while its suite runs. */
export interface PlacementInstances {
  readonly monolithPort: number
  readonly servicePort: number
}

/** Runs placement's own tests against whatever listens at the port, with its two instances behind that. */
export async function runPlacementSuite(
  python: string,
  port: number,
  { monolithPort, servicePort }: PlacementInstances,
): Promise<SuiteResults> {
  const { stdout } = await run(python, [SUITE, ...[port, monolithPort, servicePort].map(String)], {
    timeout: TIMEOUT_MS,
    // With the log of each test on the other output.
    maxBuffer: 256 * 1_048_576,
  })
  const results = new Map<string, string>()
  for (const line of stdout.trim().split('\n')) {
    const { name, result } = JSON.parse(line) as { name: string; result: string }
    results.set(name, result)
  }
  return results
}
