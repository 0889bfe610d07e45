import { type HistoryEntry, type WorldView, client, invariant, node, noDuplicateEffects, violated } from '@seaworthy/simulation'
import {
  ACTIVE_MAX,
  BEGINS,
  CONCURRENCY_MAX,
  HEAVY,
  JOURNALED,
  MOVED,
  PARCELS,
  type Parcel,
  SLOW,
  STARTS,
  STOPPED,
  STOPS,
  TAKEN_UP,
  TOLD,
  UNDO_BACKOFF_MS,
  WRONG,
  startDepot,
} from './sagas-depot.ts'
import { type SimulatedWorld, named } from './simulated-world.ts'

const WATCHED = ['plain-1', 'refused', 'hopeless', 'patient']
const PROMPT_MS = 30
const UNDER_WAY_MS = 40
/** When whatever a release takes up is taken up. */
const TAKEN_UP_MS = 200
const SPREAD_MS = 5
/** Between two questions of a customer. Shorter, and the histories are of hardly anything but questions while the depot is stopped. */
const ASK_EVERY_MS = 25
/** What the journal says of some steps in the end, while nothing goes wrong. */
const LINES: Readonly<Record<string, string>> = {
  'stubborn/tell': 'started, failed, started, failed, started, failed, started, done',
  // Too many are started at one time for it to be begun at once.
  'refused/pack':
    'started, failed, started, done, compensation-started, compensation-failed, compensation-started, compensation-failed, compensation-started, compensated',
  // Called off by the stop: nobody knows how it ended.
  'slow/pack': 'started, started, done',
}
/** Its first step has another name in another release. */
const WRAPPED = new Set(['gift'])
/** The sagas that the first two releases cannot bring to their ends. */
const WAITING_FOR_RELEASE = 2
const HELD_UP = /^Saga (\S+) is held up: (.*)$/s
/** What holds sagas up while nothing goes wrong but what the depot makes go wrong, each once. */
const REPORTED: Readonly<Record<string, RegExp>> = {
  'plain-1': /^The disk is full\.$/,
  moved: /^The sagas cannot be read\.$/,
  recovery: /^The sagas cannot be listed\.$/,
  future: /this process has no such version/,
  gift: /its journal has a step "pack" that the declaration lacks/,
}

/** Many sagas through a narrow door: few at a time and few in memory, each with a way of its own to go wrong, while releases come and go. */
export function sagasWorld(): SimulatedWorld {
  return {
    name: 'sagas',
    chapter: 'saga',
    // What goes astray between services is the checkout's part. This world is about one service and its database.
    faults: ['crash', 'pause', 'disk-full'],
    system: {
      nodes: [node('depot', startDepot)],
      clients: [
        client('office', async ({ call, sleep }) => {
          await call('depot', 'accept', { parcels: PARCELS.filter(({ later }) => later !== true) })
          await call('depot', 'misuse', {})
          while ((await call<number>('depot', 'open', {})) > WAITING_FOR_RELEASE) await sleep(50)
          // Stopped while something is nearly done, and then while something takes too long.
          for (const [release, id] of Object.entries({ 2: 'short', 3: 'slow' })) {
            await sleep(TAKEN_UP_MS)
            await call('depot', 'accept', { parcels: PARCELS.filter((parcel) => parcel.id === id) })
            await sleep(UNDER_WAY_MS)
            await call('depot', 'deploy', { release: Number(release) })
          }
        }),
        ...WATCHED.map((id) =>
          client(`customer-of-${id}`, async ({ call, sleep }) => {
            for (const what of ['decided', 'settled'] as const) {
              while (!(await call<boolean>('depot', 'ask', { id, what }))) await sleep(ASK_EVERY_MS)
            }
          }),
        ),
      ],
    },
    invariants: [
      invariant('every saga ends as it must, for its reason', (view) => {
        const sagas = view.query<{ id: string; status: string; reason: string | null }>(
          'depot',
          'SELECT id, status, reason FROM seaworthy_sagas',
        )
        const ends = new Map(sagas.map(({ id, status, reason }) => [id, reason === null ? status : `${status}: ${reason}`]))
        for (const { id, ends: end } of PARCELS) {
          if (ends.get(id) !== end) violated(`Saga ${id} ended as ${String(ends.get(id))}, and should have as ${end}.`)
        }
      }),
      invariant('what was done is what the ends say', (view) => {
        const deeds = view.query<{ saga: string; step: string }>('depot', 'SELECT saga, step FROM deeds ORDER BY saga, n')
        for (const { id, deeds: expected } of PARCELS) {
          const found = deeds.filter(({ saga }) => saga === id).map(({ step }) => step)
          if (found.join() !== expected.join()) violated(`Of saga ${id} is done: ${found.join(', ')}. It should be ${expected.join(', ')}.`)
        }
      }),
      invariant('nothing is wrong that the depot looks at', (view) => {
        const wrong = notesOf(view).find(({ text }) => text.startsWith(WRONG))
        if (wrong !== undefined) violated(`${wrong.text}: ${JSON.stringify(wrong.data)}`)
      }),
      invariant('no step begins once the orchestrator is told to stop, or before the journal says so', (view) => {
        let stopped = false
        const journaled = new Set<string>()
        for (const entry of view.history) {
          if (entry.kind === 'start' || (entry.kind === 'note' && entry.text === STARTS)) stopped = false
          if (entry.kind !== 'note') continue
          if (entry.text === STOPS) stopped = true
          if (entry.text === JOURNALED) journaled.add(entry.data as string)
          if (entry.text !== BEGINS) continue
          if (stopped) violated(`${String(entry.data)} began after the stop.`)
          const [, saga, undo, step] = /^(.+)\/(undo )?(\w+) \d+$/.exec(entry.data as string)!
          const line = `${saga}/${step} ${undo === undefined ? 'started' : 'compensation-started'}`
          if (!WRAPPED.has(saga!) && !journaled.delete(line)) violated(`${String(entry.data)} began, and the journal does not say so.`)
        }
      }),
      invariant('whoever waits is told the truth, and at once', (view) => {
        const movedAtMs = new Map<string, number>()
        for (const { text, data, atMs } of notesOf(view)) {
          if (text === MOVED) movedAtMs.set((data as { id: string }).id, atMs)
          if (text !== TOLD) continue
          const { id, status, end, waitedMs } = data as { id: string; status: string; end: boolean; waitedMs: number }
          if (end && !endOf(id).startsWith(status)) violated(`Saga ${id} was said to have ended as ${status}.`)
          const lateMs = Math.min(atMs - movedAtMs.get(id)!, waitedMs)
          if (!somethingWrong(view) && lateMs > PROMPT_MS) violated(`How saga ${id} stands was told ${Math.round(lateMs)} ms later.`)
        }
      }),
      invariant('while nothing goes wrong each step is tried as often as it must be, and the journal says so', (view) => {
        if (somethingWrong(view)) return
        const begun = notesOf(view).filter(({ text }) => text === BEGINS)
        const attempts = begun.map(({ data }) => data as string)
        noDuplicateEffects({ effects: named('Attempt', attempts), at: 'depot' })
        for (const { id, tries = {} } of PARCELS) {
          for (const [step, expected] of Object.entries(tries)) {
            const found = attempts.filter((attempt) => attempt.startsWith(`${id}/${step} `)).length
            if (found !== expected) violated(`${id}/${step} was tried ${found} times, and not ${expected}.`)
          }
        }
        for (const [line, expected] of Object.entries(LINES)) {
          const [saga = '', step = ''] = line.split('/')
          const lines = view.query<{ kind: string }>(
            'depot',
            `SELECT json_extract(entry, '$.kind') AS kind FROM seaworthy_saga_journal
              WHERE saga_id = ? AND json_extract(entry, '$.step') = ? ORDER BY number`,
            [saga, step],
          )
          const kinds = lines.map(({ kind }) => kind).join(', ')
          if (kinds !== expected) violated(`The journal says of ${line}: ${kinds}.`)
        }
        const undone = begun.filter(({ data }) => (data as string).startsWith('refused/undo pack'))
        for (const [index, { atMs }] of undone.entries()) {
          const before = undone[index - 1]
          if (before !== undefined && atMs - before.atMs < UNDO_BACKOFF_MS)
            violated(`Packing was undone again after ${atMs - before.atMs} ms.`)
        }
      }),
      invariant('while nothing goes wrong nobody waits behind a saga that backs off', (view) => {
        if (somethingWrong(view)) return
        const place = (id: string) => notesOf(view).findIndex(({ text, data }) => text === MOVED && (data as { id: string }).id === id)
        for (const id of ['plain-1', 'plain-2']) {
          if (place(id) > place('patient')) violated(`Saga ${id} waited for one that backed off.`)
        }
      }),
      invariant('while nothing goes wrong what holds a saga up is told once', (view) => {
        if (somethingWrong(view)) return
        const told = view.history.flatMap((entry) => {
          const match = entry.kind === 'warning' ? HELD_UP.exec(entry.text) : null
          return match === null ? [] : [{ id: match[1]!, why: match[2]! }]
        })
        for (const { id, why } of told) if (REPORTED[id]?.test(why) !== true) violated(`It was told that saga ${id} is held up: ${why}`)
        noDuplicateEffects({
          effects: named(
            'The warning about saga',
            told.map(({ id }) => id),
          ),
          at: 'depot',
        })
        if (told.length !== Object.keys(REPORTED).length) violated(`${told.length} sagas were told to be held up.`)
      }),
      invariant('while nothing goes wrong sagas are taken up one after another', (view) => {
        if (somethingWrong(view)) return
        const notes = notesOf(view)
        const started = notes.findLastIndex(({ text }) => text === STARTS)
        const taken = notes.slice(started).filter(({ text }) => text === TAKEN_UP)
        const [first, last] = [taken[0], taken.at(-1)]
        if (last === undefined || last.atMs - first!.atMs < SPREAD_MS) violated('What was resumed was resumed at once.')
      }),
      invariant('no more at a time than is allowed', (view) => {
        for (const { text, data } of notesOf(view)) {
          if (text !== HEAVY) continue
          const { steps, sagas } = data as { readonly steps: number; readonly sagas: number }
          if (steps > CONCURRENCY_MAX) violated(`${steps} steps were in progress.`)
          if (sagas > ACTIVE_MAX) violated(`${sagas} sagas were in memory.`)
        }
      }),
      invariant('a stop waits for what is nearly done, and for nothing else', (view) => {
        if (somethingWrong(view)) return
        const [first, second] = notesOf(view).flatMap(({ text, data }) => (text === STOPPED ? [(data as { tookMs: number }).tookMs] : []))
        if (first! >= SLOW.stopTimeoutMs) violated(`The stop took ${first} ms, and what it waited for was nearly done.`)
        if (second! < SLOW.stopTimeoutMs || second! > SLOW.stopTimeoutMs + 100) violated(`The stop took ${second} ms.`)
      }),
    ],
  }
}

const endOf = (id: string) => PARCELS.find((parcel: Parcel) => parcel.id === id)!.ends
type Note = Extract<HistoryEntry, { kind: 'note' }>
const notesOf = (view: WorldView) => view.history.filter((entry): entry is Note => entry.kind === 'note')
const somethingWrong = (view: WorldView) => view.history.some(({ fault }) => fault !== undefined)
