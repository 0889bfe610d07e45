import type { Hunted } from './hunt.ts'

/** How many of a source's mutants came to which end. */
export interface Tally {
  readonly killed: number
  /** Of the killed: those that went on without an end. */
  readonly endless: number
  readonly survived: number
  /** No history came to the changed place: as bad as survived, because nobody would have noticed. */
  readonly notReached: number
  /** Alive, and reviewed by hand: they change nothing that the simulation is there to see. */
  readonly equivalent: number
  /** No programs. */
  readonly invalid: number
}

const KILLED_SHARE_MIN = 0.9

export function tallyOf(hunted: readonly Hunted[]): Tally {
  const count = (counts: (one: Hunted) => boolean) => hunted.filter(counts).length
  return {
    killed: count(({ verdict }) => verdict.kind === 'killed'),
    endless: count(({ verdict }) => verdict.kind === 'killed' && verdict.by === 'no end'),
    survived: count(({ verdict, equivalent }) => verdict.kind === 'survived' && equivalent === undefined),
    notReached: count(({ verdict, equivalent }) => verdict.kind === 'not-reached' && equivalent === undefined),
    equivalent: count(({ equivalent }) => equivalent !== undefined),
    invalid: count(({ verdict }) => verdict.kind === 'invalid'),
  }
}

/** Of the mutants that change behaviour, the share that was noticed. */
export function killedShare({ killed, survived, notReached }: Tally): number {
  const all = killed + survived + notReached
  return all === 0 ? 1 : killed / all
}

export function isEnough(tally: Tally): boolean {
  return killedShare(tally) >= KILLED_SHARE_MIN
}

/** In one line. */
export function describe(tally: Tally): string {
  const { killed, endless, survived, notReached, equivalent, invalid } = tally
  const all = killed + survived + notReached
  const parts = [
    `${killed} of ${all} killed (${(killedShare(tally) * 100).toFixed(1)} %), of them ${endless} without an end`,
    `${survived} survived, ${notReached} never reached`,
    `${equivalent} equivalent`,
    ...(invalid === 0 ? [] : [`${invalid} no programs`]),
  ]
  return parts.join('; ')
}
