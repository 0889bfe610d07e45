import type { JSX } from 'preact'
import { follow } from '../../state/location.ts'
import type { TraceView } from '../../state/trace-view.ts'
import { formatDuration, plural } from '../../view-model/format.ts'
import type { ShownPath } from '../../view-model/verdict-view.ts'
import { CauseBar, CauseLegend } from '../../components/cause-bar.tsx'

/** Why is it slow? A sentence, the parts that sum to it, and where to look next. */
export function VerdictPanel({ view, onShow }: { view: TraceView; onShow: (spanId: string) => void }): JSX.Element {
  const state = view.verdict.value
  if (state.kind === 'loading') return <p class="verdict-sentence muted">Looking where the time went…</p>
  if (state.kind === 'failed') return <p class="verdict-sentence error-text">Where the time went could not be found out: {state.why}</p>
  const { paths, doubts, movedCount } = state.value
  return (
    <section class="verdict" aria-label="Why is it slow?">
      {paths.map((path) => (
        <PathVerdict key={path.kind} path={path} isOnly={paths.length === 1} onShow={onShow} />
      ))}
      {(doubts.length > 0 || movedCount > 0) && (
        <p class="verdict-notes">
          {movedCount > 0 && (
            <span title="A callee began before its call, or ended after it: its process is put into the middle of the call, for the verdict alone">
              Clocks differ: {plural(movedCount, 'span')} moved.
            </span>
          )}{' '}
          {doubts.length > 0 && (
            <span title={doubts.map(({ spanId, fact, stated }) => `${spanId}: ${fact} is ${stated}`).join('\n')}>
              {plural(doubts.length, 'fact')} cannot be: longer than the span, or no time at all.
            </span>
          )}
        </p>
      )}
    </section>
  )
}

function PathVerdict({ path, isOnly, onShow }: { path: ShownPath; isOnly: boolean; onShow: (spanId: string) => void }): JSX.Element {
  const { sentence, parts, durationUs, holder, kind } = path
  return (
    <div class="verdict-path">
      <p class="verdict-sentence">
        {!isOnly && (
          <span class="muted">
            {kind === 'answer'
              ? `To the answer, ${formatDuration(durationUs)}: `
              : `To the end of what it set off, ${formatDuration(durationUs)}: `}
          </span>
        )}
        {sentence}
        {holder !== undefined && (
          <>
            {' '}
            <a
              href={`/traces/${holder.traceId}${holder.spanId === undefined ? '' : `?span=${holder.spanId}`}`}
              title={holder.statement ?? `Trace ${holder.traceId}`}
              onClick={(event) => follow(event, { page: 'trace', traceId: holder.traceId, spanId: holder.spanId })}
            >
              Open the holder’s trace
            </a>
          </>
        )}
      </p>
      <CauseBar parts={parts} durationUs={durationUs} />
      <CauseLegend parts={parts} durationUs={durationUs} onShow={onShow} />
    </div>
  )
}
