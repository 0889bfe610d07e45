import { type ControlOptions, askService } from '@seaworthy/supervisor'
import type { DeadLetterList, DeadLetterPage, DeadLetterSummary } from '@seaworthy/supervisor/management'

/** Every dead letter of a service, source by source, each consumer's in order. Of a queue the oldest alone: it knows no page after the first. */
export async function allLetters(service: string, options: () => ControlOptions): Promise<readonly DeadLetterSummary[]> {
  const { sources } = await askService({ service, question: 'dead-letters', parameters: {} }, options())
  const letters: DeadLetterSummary[] = []
  for (const first of sources) {
    letters.push(...first.letters)
    for (let page: DeadLetterList | undefined = first; page?.isMore === true;) {
      const after = page.letters.at(-1)?.position
      if (after == null) break
      page = await pageOf(service, { source: page.source, after }, options())
      letters.push(...(page?.letters ?? []))
    }
  }
  return letters
}

async function pageOf(service: string, parameters: DeadLetterPage, options: ControlOptions): Promise<DeadLetterList | undefined> {
  const { sources } = await askService({ service, question: 'dead-letters', parameters }, options)
  return sources[0]
}
