import { type ControlOptions, askService } from '@seaworthy/supervisor'
import type { DeadLetterSummary, RequeueAnswer, RequeueParameters } from '@seaworthy/supervisor/management'
import { type Arguments, dataDirOption } from '../../arguments.ts'
import type { Command } from '../../command.ts'
import { type Terminal, printable } from '../../terminal.ts'
import { UsageError } from '../../usage.ts'
import { asking, whoAsks } from '../../asking.ts'
import { allLetters } from './all-letters.ts'

/** The supervisor waits for a minute. */
const TIMEOUT_MS = 70_000

export const requeueDeadLetters: Command = {
  name: 'dead-letters requeue',
  summary: 'handles them again, each key in order; who asked stands in audit.jsonl of the data directory',
  operands: ['SERVICE'],
  options: {
    key: { value: 'KEY', help: 'those of this key' },
    topic: { value: 'TOPIC', help: 'where several topics have that key' },
    id: { value: 'MESSAGE_ID', help: 'that message; of a consumer: all of its key, because of their order' },
    all: { help: 'all that the service has' },
    'data-dir': dataDirOption,
  },
  async run(args, terminal) {
    const [service = ''] = args.operands
    const options = () => asking(args, terminal.env, TIMEOUT_MS)
    const wanted = await wantedOf(service, args, options)
    if (wanted.length === 0) {
      terminal.print(`${service} has no such dead letters.`)
      return args.flags.has('all') ? 0 : 1
    }
    let left = 0
    for (const parameters of wanted) left += await requeue(service, parameters, options, terminal)
    terminal.print(left === 0 ? 'None of them is left.' : `${left} are left: mend the cause, then requeue again.`)
    return left === 0 ? 0 : 1
  },
}

async function wantedOf(service: string, args: Arguments, options: () => ControlOptions): Promise<readonly RequeueParameters[]> {
  const { key, topic, id } = args.values
  const chosen = [key, id, args.flags.has('all') ? 'all' : undefined].filter((choice) => choice !== undefined)
  if (chosen.length !== 1) throw new UsageError('seaworthy dead-letters requeue takes one of --key KEY, --id MESSAGE_ID and --all.')
  if (topic !== undefined && key === undefined) throw new UsageError('--topic goes with --key.')
  if (id !== undefined) return [placeOf(await askService({ service, question: 'dead-letter', parameters: { id } }, options()))]
  const letters = await allLetters(service, options)
  if (key === undefined) return distinct(letters)
  const ofKey = distinct(letters.filter((letter) => letter.key === key && (topic === undefined || letter.topic === topic)))
  const topics = new Set(ofKey.map((place) => ('topic' in place ? place.topic : '')))
  if (topics.size > 1) throw new UsageError(`Several topics have letters of key ${key}: add --topic with one of ${[...topics].join(', ')}.`)
  return ofKey
}

/** What a letter is requeued with: all of its key in order, or itself where there is no order. */
function placeOf({ source, topic, key, id }: DeadLetterSummary): RequeueParameters {
  return topic === null || key === null ? { source, ids: [id] } : { source, topic, key }
}

/** A key once, at the place of its first letter; messages of a queue together. */
function distinct(letters: readonly DeadLetterSummary[]): readonly RequeueParameters[] {
  const places = new Map<string, RequeueParameters>()
  for (const letter of letters) {
    const place = placeOf(letter)
    const name = JSON.stringify('key' in place ? place : place.source)
    const before = places.get(name)
    if (before === undefined) places.set(name, place)
    else if ('ids' in before && 'ids' in place) places.set(name, { ...before, ids: [...before.ids, ...place.ids] })
  }
  return [...places.values()]
}

/** Asks again while there is progress: one answer covers a few hundred letters. @returns how many are left */
async function requeue(service: string, parameters: RequeueParameters, options: () => ControlOptions, terminal: Terminal): Promise<number> {
  let asked = parameters
  for (;;) {
    const answer: RequeueAnswer = await askService(
      { service, question: 'requeue-dead-letters', parameters: asked, by: whoAsks() },
      options(),
    )
    for (const { id, outcome, reason } of answer.letters)
      terminal.print(printable(`${outcome.padEnd(9)} ${id}${reason === null ? '' : `  ${reason}`}`))
    const isStuck = answer.letters.length === 0 || answer.letters.some(({ outcome }) => outcome === 'failed')
    if (answer.left === 0 || isStuck) return answer.left
    if ('ids' in asked) asked = { ...asked, ids: asked.ids.slice(-answer.left) }
  }
}
