import { framingCases } from './cases/framing.ts'
import { forwardingCases } from './cases/forwarding.ts'
import { http2BodyCases } from './cases/http2-bodies.ts'
import { http2ConnectionCases } from './cases/http2-connections.ts'
import { http2HeadCases } from './cases/http2-heads.ts'
import { http2WebSocketCases } from './cases/http2-websocket.ts'
import { messageCases } from './cases/messages.ts'
import { Lane } from './lane.ts'
import type { MatrixCase, Seen } from './matrix-case.ts'
import type { Subject } from './subjects.ts'

export const matrixCases: readonly MatrixCase[] = [
  ...framingCases,
  ...messageCases,
  ...forwardingCases,
  ...http2HeadCases,
  ...http2BodyCases,
  ...http2ConnectionCases,
  ...http2WebSocketCases,
]

const LANES = 24
const PATIENCE_MORE_MS = 750

/** What a subject made of a case. */
export interface Played {
  readonly seen: Seen
  /** Why it is not as expected. */
  readonly wrong: string | undefined
}

/** Puts every case to a subject, a few at a time, each on connections of its own. @returns nothing of those in HTTP/2, if it does not speak that */
export async function play(subject: Subject, cases: readonly MatrixCase[] = matrixCases): Promise<readonly (Played | undefined)[]> {
  const played: (Played | undefined)[] = []
  for (const [protocol, start] of [
    [undefined, subject.start],
    ['h2', subject.startHttp2],
  ] as const) {
    const indices = [...cases.keys()].filter((index) => cases[index]!.protocol === protocol)
    if (start === undefined || indices.length === 0) for (const index of indices) played[index] = undefined
    else await playSome(start, { indices, cases, played })
  }
  return played
}

interface Playing {
  readonly indices: readonly number[]
  readonly cases: readonly MatrixCase[]
  readonly played: (Played | undefined)[]
}

async function playSome(start: Subject['start'], { indices, cases, played }: Playing): Promise<void> {
  const lanes = await Promise.all(Array.from({ length: LANES }, () => Lane.open()))
  const { ports, stop } = await start(lanes.map(({ port }) => port))
  const put = async (lane: number, index: number) => {
    const each = cases[index]!
    const first = await judged(lanes[lane]!, each, ports[lane]!)
    // On a busy machine an answer may only be late.
    const more = { ...each, patienceMs: (each.patienceMs ?? 0) + PATIENCE_MORE_MS }
    played[index] = first.wrong === undefined ? first : await judged(lanes[lane]!, more, ports[lane]!)
  }
  const [together, alone] = [false, true].map((isAlone) => indices.filter((index) => (cases[index]!.isAlone === true) === isAlone))
  let next = 0
  try {
    await Promise.all(
      lanes.map(async (_, lane) => {
        for (let at = next++; at < together!.length; at = next++) await put(lane, together![at]!)
      }),
    )
    // Each on a lane of its own: what a flood leaves behind may still be on its way to the upstream.
    for (const [lane, index] of alone!.entries()) await put(lane % LANES, index)
  } finally {
    await stop()
    for (const lane of lanes) lane.close()
  }
}

async function judged(lane: Lane, each: MatrixCase, port: number): Promise<Played> {
  const seen = await lane.play(each, port)
  return { seen, wrong: each.expect.wrong(seen) }
}
