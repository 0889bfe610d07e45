import type { FaultKind } from '../faults/fault.ts'
import type { HistoryEntry } from '../kernel/history.ts'
import type { Step } from './diagram.ts'
import { FAULT_NAMES, durationText, eventsText, outcomeText, pointText, valueText } from './wording.ts'

type EntryOf<Kind extends HistoryEntry['kind']> = Extract<HistoryEntry, { readonly kind: Kind }>

/** A message that took longer than this is shown to arrive in a line of its own. */
const LATE_MS = 400

/**
 * The steps of a history: entries that tell of one thing together become one step. A request and its arrival are one arrow, an answer that
 * was sent and received too, and a fault stands on the message that it struck.
 */
export function stepsOf(entries: readonly HistoryEntry[]): readonly Step[] {
  return new Telling(entries).steps
}

/** All that happened to one call. */
interface CallStory {
  request?: EntryOf<'request'>
  readonly deliveries: EntryOf<'delivery'>[]
  readonly replies: EntryOf<'reply'>[]
  answer?: EntryOf<'answer'>
}

class Telling {
  readonly steps: Step[] = []
  readonly #calls = new Map<number, CallStory>()
  /** Faults by decision point, and the points at which a message is drawn that can carry them. */
  readonly #faults = new Map<string, FaultKind>()
  readonly #drawn = new Set<string>()
  readonly #starting = new Set<string>()

  constructor(entries: readonly HistoryEntry[]) {
    for (const entry of entries) this.#learn(entry)
    for (const entry of inOrderOfEffect(entries)) this.#tell(entry)
  }

  #learn(entry: HistoryEntry): void {
    if (entry.kind === 'disturbed' && entry.index !== undefined && entry.fault !== undefined) this.#faults.set(entry.index, entry.fault)
    else if (entry.index !== undefined && entry.kind !== 'crash' && entry.kind !== 'pause') this.#drawn.add(entry.index)
    if (entry.kind !== 'request' && entry.kind !== 'delivery' && entry.kind !== 'reply' && entry.kind !== 'answer') return
    const story = this.#call(entry.callId)
    if (entry.kind === 'request') story.request = entry
    else if (entry.kind === 'delivery') story.deliveries.push(entry)
    else if (entry.kind === 'reply') story.replies.push(entry)
    else story.answer = entry
  }

  #call(callId: number): CallStory {
    let story = this.#calls.get(callId)
    if (story === undefined) this.#calls.set(callId, (story = { deliveries: [], replies: [] }))
    return story
  }

  #tell(entry: HistoryEntry): void {
    switch (entry.kind) {
      case 'start':
        this.#starting.add(entry.node)
        if (entry.incarnation === 1) this.#add(entry, { kind: 'start', text: 'starts', isRoutine: true })
        else this.#add(entry, { kind: 'start', text: `starts again: life ${entry.incarnation}` })
        return
      case 'ready':
        this.#starting.delete(entry.node)
        return
      case 'crash':
        this.#add(entry, { kind: 'crash', text: `CRASH${entry.index === undefined ? '' : ` ${pointText(entry.index)}`}`, isFault: true })
        return
      case 'pause':
        this.#add(entry, { kind: 'pause', text: `stands still for ${durationText(entry.forMs)}`, isFault: true })
        return
      case 'resume':
        this.#add(entry, { kind: 'pause', text: 'goes on, and knows nothing of it' })
        return
      case 'clock-jump':
        this.#add(entry, { kind: 'trouble', text: `wall clock jumps by ${durationText(entry.byMs)}`, isFault: true })
        return
      case 'partition':
        this.#add(entry, { kind: 'message', lost: true, text: partitionText(entry), isFault: true })
        return
      case 'broker-down':
        this.#add({ ...entry, node: entry.broker }, { kind: 'trouble', text: `away for ${durationText(entry.forMs)}`, isFault: true })
        return
      case 'broker-up':
        this.#add({ ...entry, node: entry.broker }, { kind: 'note', text: 'is back' })
        return
      case 'request':
        this.#tellRequest(entry)
        return
      case 'delivery':
        this.#tellDelivery(entry)
        return
      case 'reply':
        this.#tellReply(entry)
        return
      case 'answer':
        this.#tellAnswer(entry)
        return
      case 'commit': {
        const text = entry.database === entry.node ? 'commits' : `commits to ${entry.database}`
        this.#add(entry, { kind: 'commit', text, isRoutine: this.#starting.has(entry.node) })
        return
      }
      case 'append': {
        const about = entry.events.flatMap(({ id, key }) => [id, key])
        this.#add(entry, { kind: 'message', text: `append ${eventsText(entry.events)}${this.#struck(entry)}`, about })
        return
      }
      case 'poll': {
        const about = entry.events.flatMap(({ id, key }) => [id, key])
        this.#add(entry, { kind: 'answer', backwards: true, text: `${eventsText(entry.events)}${this.#struck(entry)}`, about })
        return
      }
      case 'offsets':
        this.#add(entry, { kind: 'message', text: `offsets ${entry.positions.join(', ')}${this.#struck(entry)}` })
        return
      case 'send':
      case 'acknowledge':
      case 'reject':
        this.#add(entry, {
          kind: 'message',
          text: `${entry.kind} message ${entry.messageId}${this.#struck(entry)}`,
          about: [entry.messageId],
        })
        return
      case 'receive': {
        const text = `message ${entry.messageId}${entry.attempt > 1 ? `, attempt ${entry.attempt}` : ''}${this.#struck(entry)}`
        this.#add(entry, { kind: 'answer', backwards: true, text, about: [entry.messageId] })
        return
      }
      case 'lease-lost':
        this.#add(entry, { kind: 'trouble', text: `lost its lease of message ${entry.messageId}`, about: [entry.messageId], alone: true })
        return
      case 'fault-point':
        this.#add(entry, { kind: 'note', text: `fault point ${entry.name}` })
        return
      case 'refused':
      case 'acknowledged':
        // Told by the answer already.
        return
      case 'disturbed':
        if (entry.index === undefined || !this.#drawn.has(entry.index)) this.#tellDisturbed(entry)
        return
      case 'note':
        this.#add(entry, {
          kind: 'note',
          text: entry.data === undefined ? entry.text : `${entry.text} ${valueText(entry.data)}`,
          about: strings(entry.data),
        })
        return
      case 'warning':
        this.#add(entry, { kind: 'trouble', text: `warns: ${valueText(entry.text)}` })
        return
      case 'phase':
        if (entry.phase === 'heal') this.#add(entry, { kind: 'phase', text: 'the faults are over' })
    }
  }

  #tellRequest(entry: EntryOf<'request'>): void {
    const { deliveries, answer } = this.#call(entry.callId)
    const isDown = answer?.outcome.kind === 'failed' && answer.outcome.executed === 'no' && deliveries.length === 0
    const fate = deliveries.length > 0 ? '' : isDown ? `, but ${entry.peer} is down` : ', and it never arrives'
    const text = `${entry.method} ${valueText(entry.request)}`.trimEnd() + this.#struck(entry) + fate
    this.#add(entry, { kind: 'message', lost: deliveries.length === 0, text, about: strings(entry.request), callId: entry.callId })
  }

  /** An arrival is a line of its own only if it comes again, or late. */
  #tellDelivery(entry: EntryOf<'delivery'>): void {
    const { deliveries, request } = this.#call(entry.callId)
    const isAgain = deliveries[0] !== entry
    const lateMs = entry.atMs - (request?.atMs ?? entry.atMs)
    if (!isAgain && lateMs < LATE_MS) return
    const text = isAgain
      ? `${entry.method} of ${entry.peer} arrives again`
      : `${entry.method} of ${entry.peer} arrives ${durationText(lateMs)} late`
    this.#add(entry, { kind: 'trouble', text, callId: entry.callId, alone: true })
  }

  #tellReply(entry: EntryOf<'reply'>): void {
    const { answer, replies } = this.#call(entry.callId)
    const isTaken = answer !== undefined && answer.outcome.kind === entry.outcome.kind && answer.atMs >= entry.atMs
    const isFirst = replies[0] === entry
    const fate = isTaken
      ? ''
      : answer !== undefined && answer.atMs < entry.atMs
        ? ', which comes too late'
        : ', and the answer never arrives'
    this.#add(entry, {
      kind: 'answer',
      lost: !isTaken && isFirst,
      text: `${entry.method}: ${outcomeText(entry.outcome)}${this.#struck(entry)}${isFirst ? fate : ', again'}`,
      about: entry.outcome.kind === 'done' ? strings(entry.outcome.result) : [],
      callId: entry.callId,
    })
  }

  /** What the reply or the request has not told already: that the connection broke, or that the caller gave up. */
  #tellAnswer(entry: EntryOf<'answer'>): void {
    const { outcome, callId, method } = entry
    const { deliveries, replies } = this.#call(callId)
    if (outcome.kind === 'done' || replies.some((reply) => reply.outcome.kind === 'failed' && reply.atMs <= entry.atMs)) return
    if (outcome.executed === 'no' && deliveries.length === 0) return
    const isBroken = replies.length === 0 && outcome.error.includes('broke')
    const last = isBroken ? this.steps.findLast((step) => step.kind === 'crash' && step.lane === entry.peer) : undefined
    if (last !== undefined && entry.atMs - last.atMs < LATE_MS) {
      last.text += `; ${entry.node} does not know what became of its ${method}`
      return
    }
    this.#add(entry, { kind: 'trouble', text: `${method}: ${outcomeText(outcome)}`, callId, alone: true })
  }

  #tellDisturbed(entry: EntryOf<'disturbed'>): void {
    const at = entry.index === undefined ? '' : ` ${pointText(entry.index)}`
    const name = entry.fault === undefined ? entry.what : FAULT_NAMES[entry.fault]
    const isAnswer = entry.fault === 'lose-reply'
    const kind = entry.peer === undefined ? 'trouble' : isAnswer ? 'answer' : 'message'
    this.#add(entry, { kind, backwards: isAnswer, lost: true, text: `${name}${at}`, isFault: true })
  }

  #struck({ index, fault }: HistoryEntry): string {
    const kind = fault ?? (index === undefined ? undefined : this.#faults.get(index))
    return kind === undefined ? '' : ` [${FAULT_NAMES[kind]}]`
  }

  #add(
    entry: HistoryEntry,
    step: Pick<Step, 'kind' | 'text'> &
      Partial<Step> & {
        /** The arrow points from the peer to the node. */
        readonly backwards?: boolean
        /** No arrow, whatever the peer is. */
        readonly alone?: boolean
      },
  ): void {
    const { backwards = false, alone = false, ...rest } = step
    const isStruck = entry.fault !== undefined || (entry.index !== undefined && this.#faults.has(entry.index) && step.kind !== 'commit')
    const arrow = alone || entry.peer === undefined || (step.kind !== 'message' && step.kind !== 'answer') ? undefined : entry.peer
    this.steps.push({
      atMs: entry.atMs,
      lane: backwards && arrow !== undefined ? arrow : entry.node,
      ...(arrow !== undefined && { to: backwards ? entry.node : arrow }),
      isFault: isStruck,
      isRoutine: false,
      about: [],
      ...rest,
    })
  }
}

/** A crash after something is written down before what it comes after: the effect goes first. */
function inOrderOfEffect(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const ordered = [...entries]
  for (let at = 0; at + 1 < ordered.length; at++) {
    const [one, other] = [ordered[at]!, ordered[at + 1]!]
    if (one.kind !== 'crash' || one.index === undefined || one.index !== other.index || one.node !== other.node) continue
    ordered[at] = other
    ordered[at + 1] = one
  }
  return ordered
}

function partitionText({ both, forMs }: EntryOf<'partition'>): string {
  return both ? `cut off from each other for ${durationText(forMs)}` : `answers do not come through for ${durationText(forMs)}`
}

/** The strings in a value, at any depth: what a message may be about. */
function strings(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(strings)
}
