import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { formatAge, formatDate, formatDuration, formatTime } from '../../view-model/format.ts'
import type { AttemptRow, SagaView, StepBar, StepRow } from '../../view-model/saga.ts'
import type { TimeScale } from '../../view-model/saga-time.ts'
import { ConditionBadge } from '../../components/condition-badge.tsx'
import { Icon } from '../../components/icon.tsx'

const LEGEND: readonly (readonly [look: StepBar['look'], text: string])[] = [
  ['done', 'done'],
  ['failed', 'failed'],
  ['unknown', 'effect not known'],
  ['wait', 'waiting'],
  ['undo', 'undone'],
  ['undo-failed', 'not undone'],
]

/** The steps in the order in which they began, each with its attempts and compensations in time. */
export function SagaSteps({ view }: { view: SagaView }): JSX.Element {
  const looks = new Set(view.steps.flatMap(({ bars }) => bars.map(({ look }) => look)))
  return (
    <>
      <table class="grid step-grid">
        <caption class="hidden">Steps, with their attempts and compensations</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">State</th>
            <th scope="col">
              <TimeLabels view={view} />
            </th>
          </tr>
        </thead>
        {view.steps.map((row) => (
          <Step key={row.step} row={row} scale={view.scale} />
        ))}
      </table>
      <ul class="saga-legend" aria-label="What the bars mean">
        {LEGEND.filter(([look]) => looks.has(look)).map(([look, text]) => (
          <li key={look}>
            <span class={`step-bar ${look}`} aria-hidden="true" />
            {text}
          </li>
        ))}
        {view.scale.breaks.length > 0 && (
          <li title="Time in which nothing was done is drawn shorter than it was">
            <span class="time-break" aria-hidden="true" />
            time left out
          </li>
        )}
      </ul>
    </>
  )
}

function TimeLabels({ view }: { view: SagaView }): JSX.Element {
  return (
    <span class="time-labels">
      <span>0</span>
      <span>{formatDuration(view.tookMs * 1_000)}</span>
    </span>
  )
}

function Step({ row, scale }: { row: StepRow; scale: TimeScale }): JSX.Element {
  const chosen = useSignal<boolean | undefined>(undefined)
  const isOpen = chosen.value ?? row.isOpenFirst
  const id = `attempts-${encodeURIComponent(row.step)}`
  return (
    <tbody>
      <tr>
        <th scope="row">
          <button
            type="button"
            class="step-toggle"
            aria-expanded={isOpen}
            aria-controls={id}
            title={isOpen ? 'Hide its attempts' : 'Show its attempts'}
            onClick={() => (chosen.value = !isOpen)}
          >
            <Icon name="chevron" />
            <span class="truncate strong" title={row.step}>
              {row.step}
            </span>
            <span class="muted step-tried">{row.tried}</span>
          </button>
        </th>
        <td>
          <ConditionBadge condition={row.condition} />
        </td>
        <td>
          <div class="step-track">
            {scale.breaks.map(({ at, ms }) => (
              <span key={at} class="time-break" style={{ left: `${at * 100}%` }} title={`${formatAge(ms)} in which nothing was done`} />
            ))}
            {row.bars.map(({ key, from, to, look, title }) => (
              <span key={key} class={`step-bar ${look}`} style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }} title={title} />
            ))}
          </div>
        </td>
      </tr>
      {isOpen && (
        <tr class="step-attempts" id={id}>
          <td colSpan={3}>
            <ol>
              {row.attempts.map((attempt) => (
                <Attempt key={attempt.key} attempt={attempt} />
              ))}
            </ol>
            {row.result !== undefined && (
              <div class="step-result">
                <span class="muted">Result</span>
                <pre class="body">{row.result}</pre>
              </div>
            )}
          </td>
        </tr>
      )}
    </tbody>
  )
}

function Attempt({ attempt: { what, afterMs, took, condition, error, startedAtMs } }: { attempt: AttemptRow }): JSX.Element {
  return (
    <li>
      <span class="attempt-what">{what}</span>
      <span class="muted number" title={`${formatDate(startedAtMs)} ${formatTime(startedAtMs)}`}>
        + {formatDuration(afterMs * 1_000)}
      </span>
      <span class="muted number">{took === '' ? '' : `took ${took}`}</span>
      <ConditionBadge condition={condition} />
      {error !== undefined && error !== '' && <span class="attempt-error">{error}</span>}
    </li>
  )
}
