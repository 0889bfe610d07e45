import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigurationError } from 'seaworthy/core'
import type { StageOptions } from 'seaworthy/system'
import { z } from 'zod'
import { MODULES } from '../monolith/domain/modules.ts'
import { STAGES } from './stages.ts'

/** For each place where data is, the stage that it is at. */
const record = z.record(
  z.string(),
  z
    .int()
    .min(0)
    .max(STAGES.length - 1),
)

const pathOf = (dataDir: string) => join(dataDir, 'stage.json')

/** @throws ConfigurationError when the file cannot be understood: who guessed would start services without their data */
function readRecord(dataDir: string): z.output<typeof record> {
  let text: string
  try {
    text = readFileSync(pathOf(dataDir), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return {}
    throw error
  }
  try {
    return record.parse(JSON.parse(text))
  } catch (cause) {
    throw new ConfigurationError(
      `${pathOf(dataDir)} does not say at which stage the data is: it should be like {"embedded":2}. Bring it back from a backup, or write it.`,
      { cause },
    )
  }
}

/** Writes down the stage that data is at: whole, and on the disk when this returns. */
export function recordStage(dataDir: string, storage: string, stage: number): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = pathOf(dataDir)
  const next = `${path}.next`
  writeDurably(next, `${JSON.stringify({ ...readRecord(dataDir), [storage]: stage })}\n`)
  renameSync(next, path)
  const folder = openSync(dataDir, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'w')
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/**
 * - `none`: there is no data yet; a shop can begin at any stage. `wished` is the one at which somebody wanted it to, and nothing came of it.
 * - `at`: it is at a stage, and only there all of it is found. `isRecorded`: somebody wrote down so.
 */
export type DataStage =
  | { readonly kind: 'none'; readonly wished: number }
  | { readonly kind: 'at'; readonly stage: number; readonly isRecorded: boolean }

/**
 * The stage that the data is at.
 * @throws ConfigurationError when there is data, and nobody wrote down at which stage: it might be found in two places, and one of them is old
 */
export async function dataStage({ dataDir, storage, hasData }: Omit<StageOptions, 'stage'>): Promise<DataStage> {
  const recorded = readRecord(dataDir)[storage]
  const [monolith, ...successors] = await Promise.all(['monolith', ...MODULES].map(hasData))
  const isThere = monolith === true || successors.includes(true)
  if (!isThere) return { kind: 'none', wished: recorded ?? 0 }
  if (recorded !== undefined) return { kind: 'at', stage: recorded, isRecorded: true }
  if (!successors.includes(true)) return { kind: 'at', stage: 0, isRecorded: false }
  throw new ConfigurationError(
    `There is data of ${MODULES.filter((_, index) => successors[index]).join(', ')} (${storage}), but ${pathOf(dataDir)} does not say at which stage it is. Write it there, as in {"${storage}":${STAGES.length - 1}}.`,
  )
}

/**
 * The stage to start at: the one that was wished for, or else the one that the data is at, or else the first.
 * @throws ConfigurationError when the data is at another stage than was wished for
 */
export async function stageToStart(options: StageOptions): Promise<number> {
  const { stage: wished, dataDir, storage } = options
  if (wished !== undefined && STAGES[wished] === undefined)
    throw new ConfigurationError(`There is no stage ${wished}. The shop has stages 0 to ${STAGES.length - 1}.`)
  const data = await dataStage(options)
  if (data.kind === 'none') {
    // From the first moment on, and not from when everything has started: what has begun somewhere goes on there.
    const stage = wished ?? data.wished
    recordStage(dataDir, storage, stage)
    return stage
  }
  if (wished === undefined || wished === data.stage) {
    // Before there can be data in a second place: a route may move while the shop runs.
    if (!data.isRecorded) recordStage(dataDir, storage, data.stage)
    return data.stage
  }
  throw new ConfigurationError(
    storage === 'embedded'
      ? `The data in ${dataDir} is at stage ${data.stage}, and not at stage ${wished}. Stop the shop and move it: npm run shop:stage -- --to ${wished} --data-dir ${dataDir}. Or start it where the data is, without --stage.`
      : `The data (${storage}) is at stage ${data.stage}, and not at stage ${wished}. Data on servers is not moved by this command: start without --stage, or take another --engine-prefix.`,
  )
}
