import { framingCases } from './cases/framing.ts'
import { forwardingCases } from './cases/forwarding.ts'
import { messageCases } from './cases/messages.ts'
import { Lane } from './lane.ts'
import type { MatrixCase, Seen } from './matrix-case.ts'
import type { Subject } from './subjects.ts'

export const matrixCases: readonly MatrixCase[] = [...framingCases, ...messageCases, ...forwardingCases]

const LANES = 24
const PATIENCE_MORE_MS = 750

/** What a subject made of a case. */
export interface Played {
  readonly seen: Seen
  /** Why it is not as expected. */
  readonly wrong: string | undefined
}

/** Puts every case to a subject, a few at a time, each on connections of its own. */
export async function play(subject: Subject, cases: readonly MatrixCase[] = matrixCases): Promise<readonly Played[]> {
  const lanes = await Promise.all(Array.from({ length: LANES }, () => Lane.open()))
  const { ports, stop } = await subject.start(lanes.map(({ port }) => port))
  const played: Played[] = []
  let next = 0
  try {
    await Promise.all(
      lanes.map(async (lane, index) => {
        for (let at = next++; at < cases.length; at = next++) {
          const each = cases[at]!
          const first = await judged(lane, each, ports[index]!)
          // On a busy machine an answer may only be late.
          played[at] =
            first.wrong === undefined
              ? first
              : await judged(lane, { ...each, patienceMs: (each.patienceMs ?? 0) + PATIENCE_MORE_MS }, ports[index]!)
        }
      }),
    )
  } finally {
    await stop()
    for (const lane of lanes) lane.close()
  }
  return played
}

async function judged(lane: Lane, each: MatrixCase, port: number): Promise<Played> {
  const seen = await lane.play(each, port)
  return { seen, wrong: each.expect.wrong(seen) }
}
