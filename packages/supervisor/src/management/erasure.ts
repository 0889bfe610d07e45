import { InvalidInputError } from 'seaworthy/core'
import type { Erasure } from 'seaworthy/event-sourcing'
import type { Answer } from './answering.ts'
import type { ErasureQuestions } from './questions.ts'

/** Answers for the people of whom one process has something personal. Forgetting is audited by whoever asks for it: the supervisor. */
export function erasureAnswers(people: Erasure): Readonly<Record<keyof ErasureQuestions, Answer>> {
  return {
    'erasure-report': ({ subject }) => people.report(named(subject)),
    'forget-subject': ({ subject }) => people.forget(named(subject)),
  }
}

// What comes over the channel is checked where it is used.
function named(subject: unknown): string {
  if (typeof subject === 'string' && subject !== '') return subject
  throw new InvalidInputError('The subject must be named.', [{ field: 'subject', message: 'must be the id of a person' }])
}
