import { type ControlOptions, type RunFile, askService, control } from '@seaworthy/supervisor'
import type { QuestionName, Questions } from '@seaworthy/supervisor/management'
import { SeaworthyError } from 'seaworthy/core'

/** Asks a question of every service that runs, one after another. @returns the answers of those that have something to say about it */
export async function askEvery<Name extends QuestionName>(
  asked: { readonly question: Name; readonly parameters: Questions[Name]['parameters'] },
  options: () => ControlOptions,
): Promise<readonly { readonly service: string; readonly answer: Questions[Name]['answer'] }[]> {
  const answers: { readonly service: string; readonly answer: Questions[Name]['answer'] }[] = []
  const { processes } = (await control({ command: 'status' }, options())) as RunFile
  for (const service of new Set(processes.map(({ name }) => name))) {
    try {
      answers.push({ service, answer: await askService({ service, ...asked }, options()) })
    } catch (error) {
      if (!(error instanceof SeaworthyError) || error.code !== 'not-found') throw error
    }
  }
  return answers
}
