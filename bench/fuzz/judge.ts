import { inspect } from 'node:util'
import { readRequests, statusesIn } from '../matrix/message-reader.ts'
import type { Tried } from './fuzz-lane.ts'
import type { Traffic } from './relay.ts'

/** What came of an input. */
export interface Judgement {
  /** What is wrong; undefined where all three read the same. */
  readonly why: string | undefined
  readonly wasForwarded: boolean
  readonly wasRefused: boolean
}

/**
 * How many answers an input has, where the proxy waits for more of it; undefined where the connection ends with them. The request at its end that asks for that may be
 * the body or the trailers of the one before.
 */
export function answersDue(input: string): number | undefined {
  const { requests, flaw, rest } = readRequests(input)
  const isOver =
    rest === '' && requests.at(-1)?.headers.some(([name, value]) => name.toLowerCase() === 'connection' && /\bclose\b/i.test(value))
  return flaw === undefined && isOver !== true ? requests.length : undefined
}

export function judge(input: string, { answer, end, traffic, defect }: Tried): Judgement {
  const statuses = statusesIn(answer)
  const sent = traffic.map(({ asked }) => readRequests(asked))
  const forwarded = sent.flatMap(({ requests }) => requests)
  const wasRefused = statuses.some((status) => status >= 400)
  const found = (why: string | undefined): Judgement => ({ why, wasForwarded: forwarded.length > 0, wasRefused })
  if (defect !== undefined) return found(`a defect: ${inspect(defect)}`)
  const { requests } = readRequests(input)
  if (end === 'neither') return found(`neither an end nor the answers that are due: ${statuses.length} of ${requests.length}`)
  if (statuses.includes(502)) return found('an answer of 502')
  const flaw = sent.find((each) => each.flaw !== undefined)?.flaw
  if (flaw !== undefined) return found(`it passes on ${flaw}`)
  const wanted = requests.map(({ method, target, body }) => `${method} ${target} ${body}`)
  let from = 0
  for (const { method, target, body } of forwarded) {
    // Requests that are refused leave gaps, and nothing else may.
    const at = wanted.indexOf(`${method} ${target} ${body}`, from)
    if (at === -1) return found(`it passes on ${method} ${target} with ${JSON.stringify(body)}, which nobody sent`)
    from = at + 1
  }
  return found(traffic.map(upstreamDiffers).find((why) => why !== undefined))
}

/** Its answers come one for one, because the proxy sends one request at a time; one that it refuses says nothing of its reading. */
function upstreamDiffers({ asked, answered }: Traffic): string | undefined {
  const answers = answered.split(/(?=HTTP\/1\.1 [2-5]\d\d )/).filter((each) => /^HTTP\/1\.1 [2-5]/.test(each))
  const { requests, rest } = readRequests(asked)
  // Whoever does not wait for a body that is on its way may answer to it before it breaks off.
  const begun = rest === '' ? 0 : 1
  if (answers.length < requests.length || answers.length > requests.length + begun)
    return `the upstream gives ${answers.length} answers to ${requests.length} requests`
  for (const [index, { method, target, body }] of requests.entries()) {
    const [, request = '', bytes = ''] = /<(\S+ \/\S+) (\d+|-)>/.exec(answers[index]!) ?? []
    const isRead = request === `${method} ${target}` && (bytes === '-' || bytes === String(body.length))
    if (!isRead && answers[index]!.startsWith('HTTP/1.1 200 '))
      return `the upstream reads ${request} with ${bytes} bytes as request ${index}`
  }
  return undefined
}
