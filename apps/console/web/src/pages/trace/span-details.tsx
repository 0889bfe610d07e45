import { type ComponentChildren, Fragment, type JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { TraceView } from '../../state/trace-view.ts'
import { follow } from '../../state/location.ts'
import { formatDuration, formatShare } from '../../view-model/format.ts'
import type { Attribute, WholeSpan } from '../../../../src/otlp/read-trace.ts'
import type { SpanNode } from '../../view-model/trace-tree.ts'
import { routeUrl } from '../registry.ts'
import { lockHolder, shownParts } from '../../view-model/verdict-view.ts'
import { CauseBar, CauseLegend } from '../../components/cause-bar.tsx'
import { CopyButton } from '../../components/copy-button.tsx'
import { Icon } from '../../components/icon.tsx'
import { LogLinks } from './log-links.tsx'
import { ServiceName } from '../../components/service-name.tsx'

interface SpanDetailsProps {
  readonly node: SpanNode
  readonly view: TraceView
  readonly onClose: () => void
  readonly onShow: (spanId: string) => void
}

/** All that is known of a span. */
export function SpanDetails({ node, view, onClose, onShow }: SpanDetailsProps): JSX.Element {
  const { span, parent } = node
  useEffect(() => view.openDetails(span.spanId), [view, span.spanId])
  return (
    <aside
      class="details"
      aria-label="Span details"
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        event.preventDefault()
        onClose()
        document.querySelector<HTMLElement>('[role=tree]')?.focus()
      }}
    >
      <div class="details-head">
        <ServiceName name={span.service} />
        <CopyButton text={() => window.location.href} label="Copy link" icon="link" />
        <button type="button" class="icon-button" aria-label="Close details" title="Close (Esc)" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <h2>{span.name}</h2>
      {span.error !== undefined && (
        <p class={node.isError ? 'failure' : 'note'}>
          <Icon name="alert" />
          <span>
            {span.error}
            {node.retried !== undefined && ' The attempt was repeated with success.'}
          </span>
        </p>
      )}
      <Timing node={node} durationUs={view.durationUs.value} />
      <WhereItWent node={node} view={view} />
      {node.skewUs > 0 && (
        <p class="note">
          It begins {formatDuration(node.skewUs)} before its parent: the clocks of the two machines differ. Times are shown as they were
          sent.
        </p>
      )}
      <LogLinks traceId={view.traceId} spanId={span.spanId} />
      <WholeDetails node={node} view={view} />
      <section>
        <h3>Identity</h3>
        <dl class="attributes">
          <Fact name="kind">{span.kind}</Fact>
          <Fact name="trace">{view.traceId}</Fact>
          <Fact name="span">{span.spanId}</Fact>
          <Fact name="parent">
            {parent === undefined ? (
              (span.parentSpanId ?? 'none')
            ) : (
              <button type="button" class="link id" onClick={() => onShow(parent.span.spanId)}>
                {parent.span.spanId}
              </button>
            )}
          </Fact>
        </dl>
      </section>
    </aside>
  )
}

/** What is asked for with the details. */
function WholeDetails({ node, view }: { node: SpanNode; view: TraceView }): JSX.Element | null {
  const state = view.details.state.value
  switch (state.kind) {
    case 'loading':
      return null
    case 'failed':
      return (
        <p class="failure">
          <Icon name="alert" />
          <span>
            {state.why}{' '}
            <button type="button" class="link" onClick={() => void view.details.show(node.span.spanId)}>
              Try again
            </button>
          </span>
        </p>
      )
    case 'loaded':
      // For a moment it is of the span that was shown before.
      return state.value.spanId === node.span.spanId ? <Whole span={state.value} startUs={node.span.startUs} /> : null
  }
}

/** `startUs`: when it began, from the beginning of the trace. It was sent alone, and counts from its own. */
function Whole({ span, startUs }: { span: WholeSpan; startUs: number }): JSX.Element {
  return (
    <>
      <Section title="Attributes" attributes={span.attributes} />
      {span.events.length > 0 && (
        <section>
          <h3>Events</h3>
          {span.events.map((event, index) => (
            <div key={index} class="event">
              <h4>
                {event.name} <span class="muted">at {formatDuration(startUs + event.atUs - span.startUs)}</span>
              </h4>
              <Attributes attributes={event.attributes} />
            </div>
          ))}
        </section>
      )}
      {span.links.length > 0 && (
        <section>
          <h3>Linked traces</h3>
          <ul class="links">
            {span.links.map((link) => (
              <li key={link.spanId}>
                <a
                  class="id"
                  href={`/traces/${link.traceId}?span=${link.spanId}`}
                  onClick={(event) => follow(event, { page: 'trace', traceId: link.traceId, spanId: link.spanId })}
                >
                  {link.traceId}
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      <Section title="Process" attributes={span.resource} />
      {span.scope !== undefined && <Section title="Library" attributes={[{ key: 'name', value: span.scope }]} />}
    </>
  )
}

function Timing({ node, durationUs }: { node: SpanNode; durationUs: number }): JSX.Element {
  const { span, sentUs, waitUs, selfUs } = node
  const lengthUs = span.endUs - span.startUs
  return (
    <dl class="timing">
      <Figure name="Duration" value={formatDuration(lengthUs)} note={`${formatShare(lengthUs, durationUs)} of the trace`} />
      <Figure name="Self" value={formatDuration(selfUs)} note="not in its children" />
      <Figure name="Start" value={`+${formatDuration(span.startUs)}`} note="from the beginning" />
      {sentUs !== undefined && <Figure name="On its way" value={formatDuration(span.startUs - sentUs)} note="before it began" />}
      {waitUs > 0 && <Figure name="Waited" value={formatDuration(waitUs)} note={`${formatShare(waitUs, lengthUs)} of its duration`} />}
    </dl>
  )
}

/** The span's own parts; what its children took is one of them. */
function WhereItWent({ node, view }: { node: SpanNode; view: TraceView }): JSX.Element | null {
  const durationUs = node.span.endUs - node.span.startUs
  const { spanId, parts } = view.openParts.value
  if (spanId !== node.span.spanId || parts.length === 0) return null
  const shown = shownParts(parts, durationUs)
  return (
    <section>
      <h3>Where its time went</h3>
      <CauseBar parts={shown} durationUs={durationUs} />
      <CauseLegend parts={shown} durationUs={durationUs} />
      <Holder attributes={node.span.attributes} />
    </section>
  )
}

/** Who held the lock that the span waited for. */
function Holder({ attributes }: { attributes: readonly Attribute[] }): JSX.Element | null {
  const holder = lockHolder(attributes)
  if (holder === undefined) return null
  const { who, state, trace } = holder
  return (
    <p class="holder">
      The lock was held by {who}
      {state}.{' '}
      {trace !== undefined && (
        <a href={routeUrl(trace)} onClick={(event) => follow(event, trace)}>
          Open its trace
        </a>
      )}
    </p>
  )
}

function Figure({ name, value, note }: { name: string; value: string; note: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} <span class="muted">{note}</span>
      </dd>
    </div>
  )
}

function Section({ title, attributes }: { title: string; attributes: readonly Attribute[] }): JSX.Element | null {
  if (attributes.length === 0) return null
  return (
    <section>
      <h3>{title}</h3>
      <Attributes attributes={attributes} />
    </section>
  )
}

function Attributes({ attributes }: { attributes: readonly Attribute[] }): JSX.Element {
  const sorted = [...attributes].toSorted((one, other) => one.key.localeCompare(other.key))
  return (
    <dl class="attributes">
      {sorted.map(({ key, value }, index) => (
        <Fact key={index} name={key}>
          {value === '' ? <span class="muted">empty</span> : value}
        </Fact>
      ))}
    </dl>
  )
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>
        {name.split(/(?<=[._])/).map((part, index) => (
          <Fragment key={index}>
            {index > 0 && <wbr />}
            {part}
          </Fragment>
        ))}
      </dt>
      <dd>{children}</dd>
    </div>
  )
}
