import { READS } from './arrivals.ts'
import { type Figures, sumOf } from './figures.ts'

/** One thing that the README promises, and whether it came about. */
export interface Promised {
  readonly what: string
  readonly holds: boolean
}

export interface BothSides {
  readonly monolith: Figures
  readonly microservices: Figures
}

/** What cannot be otherwise, however busy the machine is. How long things took, and what they used, is told and not judged. */
export function verdict({ monolith, microservices }: BothSides): readonly Promised[] {
  const both = [monolith, microservices]
  const meanwhile = (figures: Figures, of: 'came' | 'served') => READS.reduce((sum, kind) => sum + figures.crash.meanwhile[kind][of], 0)
  return [
    {
      what: 'both sides got the same arrivals, and undisturbed they served all of them',
      holds: monolith.arrivals > 0 && monolith.arrivals === microservices.arrivals && both.every(({ failed }) => failed === 0),
    },
    {
      what: 'the new release was deployed: its planted defect, and nothing else, ended the process that does payments',
      holds: both.every(({ crash }) => crash.wasPlanted),
    },
    {
      what: 'in the monolith it took everything down: nobody was served until the process was back',
      holds: meanwhile(monolith, 'came') > 0 && meanwhile(monolith, 'served') === 0,
    },
    {
      what: 'in the services it took nothing else down: browsing, reviews and history were served meanwhile',
      holds: meanwhile(microservices, 'served') > 0 && sumOf(microservices.crash.met, READS).failed === 0,
    },
    {
      what: 'no order was lost, made twice, or paid twice',
      holds: both.every(
        ({ audit }) =>
          audit.wanted > 0 &&
          audit.missing.length + audit.unasked.length === 0 &&
          audit.chargedCents === audit.orderedCents &&
          audit.sumCents === 0,
      ),
    },
    {
      what: 'the services are more processes, and more databases',
      holds: microservices.memory.processes > monolith.memory.processes && microservices.databases > monolith.databases,
    },
  ]
}
