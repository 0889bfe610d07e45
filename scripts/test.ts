import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { turnOf } from './commit.ts'

/**
 * Runs the tests: `npm test` all of them, `npm test -- unit` those that need no process of their own.
 * The name says what a test needs: `*.test.ts` runs with all others in one process; `*.process.test.ts` starts
 * processes and gets one of its own; `test/simulation/`, the shop's too, explores whole systems and keeps a processor busy;
 * `test/end-to-end/` starts the whole shop, one file at a time. `*.server.test.ts` needs a server that npm cannot bring, such as
 * Kafka, and runs by `npm run test:servers` alone.
 */
interface Stage {
  readonly name: string
  readonly files: readonly string[]
  readonly flags: readonly string[]
}

const all = globSync(['{packages,apps,shop,labs,bench,test,scripts}/**/*.test.ts'], {
  exclude: (path) => /node_modules|dist$/.test(path),
}).toSorted()
const isEndToEnd = (file: string) => file.startsWith('test/end-to-end/')
const isSimulation = (file: string) => /^(?:shop\/)?test\/simulation\//.test(file)
const isProcess = (file: string) => file.endsWith('.process.test.ts')
const isServer = (file: string) => file.endsWith('.server.test.ts')

// What plays for a minute in real time. Continuous integration has half an hour: each commit plays half of each sort, and which half is a matter of chance.
const alone = (files: readonly string[]) => files.map((file) => [file])
const serversOf = (...packages: readonly string[]) =>
  all.filter((file) => isServer(file) && packages.some((name) => file.startsWith(`packages/${name}/`)))
const sortsOfLong: readonly (readonly (readonly string[])[])[] = [
  alone(all.filter((file) => file.startsWith('labs/') && isProcess(file))),
  alone(['test/end-to-end/notifications-down.test.ts', 'test/end-to-end/torture.test.ts']),
  alone(['test/end-to-end/live-move.test.ts', 'test/end-to-end/stages-under-load.test.ts']),
  [serversOf('kafka', 'sqs'), serversOf('rabbitmq', 'redis', 'postgres')],
]
const turn = turnOf(2)
// A second foreign application behind the gateway, for more than two minutes, beside one that shows the same.
const tooLong = ['apps/gateway/test/foreign/placement.server.test.ts']
const left =
  turn === undefined ? [] : [...tooLong, ...sortsOfLong.flatMap((groups) => groups.filter((_, index) => index % 2 === turn)).flat()]

const stages: readonly Stage[] = [
  {
    name: 'unit',
    files: all.filter((file) => !isEndToEnd(file) && !isSimulation(file) && !isProcess(file) && !isServer(file)),
    flags: ['--test-isolation=none'],
  },
  {
    name: 'process',
    files: all.filter((file) => isProcess(file) && !isEndToEnd(file) && !isSimulation(file)),
    flags: ['--test-concurrency=2'],
  },
  { name: 'simulation', files: all.filter(isSimulation), flags: ['--test-concurrency=2'] },
  { name: 'end-to-end', files: all.filter(isEndToEnd), flags: ['--test-concurrency=1'] },
  { name: 'servers', files: all.filter(isServer), flags: ['--test-concurrency=1'] },
]

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('-'))
const stageNames = stages.map((stage) => stage.name)
const byPattern = wanted.filter((argument) => !stageNames.includes(argument))
const chosen = stages
  .filter((stage) => byPattern.length > 0 || (wanted.length === 0 ? stage.name !== 'servers' : wanted.includes(stage.name)))
  .map((stage) => ({
    ...stage,
    files: stage.files.filter((file) => !left.includes(file) && (byPattern.length === 0 || byPattern.some((part) => file.includes(part)))),
  }))

if (chosen.every((stage) => stage.files.length === 0)) {
  console.error(`No test file matches ${wanted.join(' ')}. Stages: ${stageNames.join(', ')}; anything else is part of a file's path.`)
  process.exit(1)
}

/** What a run of some files came to. */
interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly failedFiles: readonly string[]
  /** False where the run ended without a report, or failed without a failure. */
  readonly isWhole: boolean
}

// A machine that is busy for a moment breaks a test of processes here and there; a change that is wrong breaks it twice.
const SECOND_ATTEMPT_FILES_MAX = 5

const directory = mkdtempSync(join(tmpdir(), 'seaworthy-test-'))
const countsFile = join(directory, 'counts')
const total = { passed: 0, failed: 0, skipped: 0 }
if (left.length > 0) console.log(`not for this commit: ${left.join(', ')}`)
let broken = false
for (const stage of chosen) {
  if (stage.files.length === 0) continue
  const startedAt = performance.now()
  let counts = run(stage, stage.files)
  const { failedFiles } = counts
  const mayTryAgain = process.env['CI'] !== undefined && stage.name !== 'unit' && counts.isWhole
  if (mayTryAgain && failedFiles.length > 0 && failedFiles.length <= SECOND_ATTEMPT_FILES_MAX) {
    console.log(`\nA second attempt, and the last one, for ${failedFiles.join(' ')}`)
    const again = run(stage, failedFiles)
    if (again.isWhole && again.failed === 0) {
      console.log(`${counts.failed} failed at the first attempt and passed at the second: look at why`)
      counts = { ...counts, passed: counts.passed + counts.failed, failed: 0 }
    }
  }
  if (!counts.isWhole) broken = true
  total.passed += counts.passed
  total.failed += counts.failed
  total.skipped += counts.skipped
  console.log(
    `${stage.name}: ${counts.passed} of ${counts.passed + counts.failed} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  )
}
rmSync(directory, { recursive: true })
if (broken && total.failed === 0) total.failed = 1
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
process.exitCode = total.failed > 0 ? 1 : 0

function run(stage: Stage, files: readonly string[]): Counts {
  rmSync(countsFile, { force: true })
  const { status } = spawnSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--conditions=source',
      ...(process.env['CI'] ? ['--import=./scripts/property-seed.ts'] : []),
      '--test',
      '--test-reporter=./scripts/reporter.ts',
      '--test-timeout=600000',
      ...stage.flags,
      ...files,
    ],
    { stdio: 'inherit', env: { ...process.env, SEAWORTHY_TEST_COUNTS: countsFile } },
  )
  try {
    const counts = JSON.parse(readFileSync(countsFile, 'utf8').trim()) as Omit<Counts, 'isWhole'>
    return { ...counts, isWhole: status === 0 || counts.failed > 0 }
  } catch {
    console.error(`The ${stage.name} tests ended without a report (exit status ${status}).`)
    return { passed: 0, failed: 0, skipped: 0, failedFiles: [], isWhole: false }
  }
}
