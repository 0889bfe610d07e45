import type { JSX } from 'preact'
import type { Outcome } from '../../../src/otlp/outcome.ts'
import { plural } from '../view-model/format.ts'
import { Icon } from './icon.tsx'

interface OutcomeProps {
  readonly outcome: Outcome
  readonly httpStatus: number | undefined
  readonly errorCount: number
  readonly retriedCount: number
  /** Without the counts of errors, which stand elsewhere. */
  readonly isShort?: boolean
}

/** How a request ended: what was answered first, then what went wrong on the way to it. */
export function OutcomeBadges({ outcome, httpStatus, errorCount, retriedCount, isShort = false }: OutcomeProps): JSX.Element {
  return (
    <span class="outcome">
      <Answer outcome={outcome} status={httpStatus} />
      {retriedCount > 0 && (
        <span
          class="badge quiet"
          title={`${plural(retriedCount, 'attempt')} failed and ${retriedCount === 1 ? 'was' : 'were'} repeated with success`}
        >
          {retriedCount.toLocaleString('en')} retried
        </span>
      )}
      {!isShort && outcome === 'ok' && errorCount > 0 && (
        <span class="badge warn" title={`${plural(errorCount, 'span')} failed, and the request was answered all the same`}>
          {plural(errorCount, 'error')}
        </span>
      )}
    </span>
  )
}

function Answer({ outcome, status }: { outcome: Outcome; status: number | undefined }): JSX.Element {
  const code = status === undefined ? '' : `${status} `
  switch (outcome) {
    case 'ok':
      return <span class="badge plain">{code}ok</span>
    case 'rejected':
      return (
        <span class="badge warn" title={status !== undefined && status < 400 ? REJECTED_EVENT : REJECTED}>
          {code}rejected
        </span>
      )
    case 'failed':
      return (
        <span class="badge error" title="The request was not done, or nobody knows whether it was">
          <Icon name="alert" />
          {code}failed
        </span>
      )
  }
}

const REJECTED = 'Nothing broke: what was asked for was not acceptable'
const REJECTED_EVENT = 'Nothing broke: the request was taken, and an event said that it was rejected'
