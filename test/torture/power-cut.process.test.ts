import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openSqliteDatabase, type Durability } from 'seaworthy/sqlite'
import { eventually } from '@seaworthy/testing'
import { cannotMount, makeExt4, mountImage } from './mounts.ts'

const CUTS = 3
const COMMITS_BETWEEN_CUTS = 300
const IMAGE_BYTES = 48 << 20

/** What was promised before the power went, and what the disk had when it came back. */
interface Cut {
  readonly acknowledged: readonly number[]
  readonly stored: ReadonlyMap<number, number>
  readonly integrity: string
}

function startWriter(path: string, acknowledgedFile: string, durability: Durability): ChildProcess {
  const writer = fileURLToPath(new URL('committing-process.ts', import.meta.url))
  return spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--conditions=source', writer, path, acknowledgedFile, durability],
    {
      // The channel is its lifeline.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  )
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

const readAcknowledged = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1).map(Number) : [])

/** True when the kernel has stopped every thread's work in user space; a system call under way ends first. */
const isStopped = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.startsWith('T')

async function inspect(imageFile: string, path: string): Promise<Pick<Cut, 'stored' | 'integrity'>> {
  using disk = mountImage(imageFile, path)
  const database = await openSqliteDatabase({ path: join(disk.path, 'test.db'), ownershipWaitMs: 0 })
  try {
    const rows = await database.query<{ id: number; half: number }>({ sql: 'SELECT id, half FROM item' })
    const [integrity] = await database.query<{ integrity_check: string }>({ sql: 'PRAGMA integrity_check' })
    return { stored: new Map(rows.map(({ id, half }) => [id, half])), integrity: integrity!.integrity_check }
  } finally {
    await database.close()
  }
}

/**
 * Cuts the power several times in one run. The writer stands still while its disk is copied, so that the copy is what the disk held at one moment;
 * what the kernel still had in memory is not in it, as it would not be after a power cut.
 */
async function cutPower(durability: Durability): Promise<Cut[]> {
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-power-'))
  try {
    const imageFile = join(folder, 'disk')
    const acknowledgedFile = join(folder, 'acknowledged')
    const taken: { readonly imageFile: string; readonly acknowledged: readonly number[] }[] = []
    makeExt4(imageFile, { bytes: IMAGE_BYTES })
    {
      using disk = mountImage(imageFile, join(folder, 'mounted'))
      const writer = startWriter(join(disk.path, 'test.db'), acknowledgedFile, durability)
      try {
        for (let cut = 1; cut <= CUTS; cut++) {
          const goal = (taken.at(-1)?.acknowledged.length ?? 0) + COMMITS_BETWEEN_CUTS
          await eventually('it commits', () => readAcknowledged(acknowledgedFile).length >= goal, { withinMs: 20_000 })
          writer.kill('SIGSTOP')
          await eventually('the writer stands still', () => isStopped(writer.pid!))
          const copy = join(folder, `disk-${cut}`)
          copyFileSync(imageFile, copy)
          taken.push({ imageFile: copy, acknowledged: readAcknowledged(acknowledgedFile) })
          writer.kill('SIGCONT')
        }
      } finally {
        await end(writer)
      }
    }
    const cuts: Cut[] = []
    for (const { imageFile: copy, acknowledged } of taken) cuts.push({ acknowledged, ...(await inspect(copy, join(folder, 'again'))) })
    return cuts
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const lostOf = ({ acknowledged, stored }: Cut) => acknowledged.filter((id) => !stored.has(id))

function describeCuts(durability: Durability, cuts: readonly Cut[]): string {
  const each = cuts.map((cut) => `${cut.acknowledged.length - lostOf(cut).length} of ${cut.acknowledged.length}`)
  return `${durability}: acknowledged commits that survived each power cut: ${each.join(', ')}`
}

function assertWhole(cuts: readonly Cut[]): void {
  for (const { stored, integrity } of cuts) {
    assert.equal(integrity, 'ok')
    // Ids are given in the order of the commits.
    assert.equal(Math.max(-1, ...stored.keys()), stored.size - 1, 'a commit is missing, and a later one is there')
    assert.ok(
      [...stored.values()].every((half) => half === 2),
      'half a transaction is there',
    )
  }
}

// Each test says that it is skipped, and why: the report counts tests, and a suite that was skipped is none.
const options = { skip: cannotMount('ext4 on a loop device') ?? false }

suite('after a power cut', () => {
  test('every commit that was acknowledged with durability power-loss is there', options, async (t) => {
    const cuts = await cutPower('power-loss')
    t.diagnostic(describeCuts('power-loss', cuts))
    for (const cut of cuts) assert.deepEqual(lostOf(cut), [], 'acknowledged commits are lost')
    assertWhole(cuts)
  })

  // What survives here shows nothing; what is lost shows that the copy is a power cut, and that the test above can fail.
  test(
    'of those with durability process-crash the last ones may be lost, never one in between, and nothing is torn',
    options,
    async (t) => {
      const cuts = await cutPower('process-crash')
      t.diagnostic(describeCuts('process-crash', cuts))
      assert.ok(
        cuts.some((cut) => lostOf(cut).length > 0),
        'nothing was lost: the copies are no power cuts',
      )
      assertWhole(cuts)
    },
  )
})
