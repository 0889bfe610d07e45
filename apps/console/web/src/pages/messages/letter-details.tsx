import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { DeadLetterDetails } from '@seaworthy/supervisor/management'
import { follow } from '../../state/location.ts'
import { useLetter } from './state.ts'
import { formatDate, formatTime, plural } from '../../view-model/format.ts'
import { NO_FILTER } from '../traces/route.ts'
import { CopyButton } from '../../components/copy-button.tsx'
import { Icon } from '../../components/icon.tsx'
import { ServiceName } from '../../components/service-name.tsx'

interface LetterDetailsProps {
  readonly service: string
  readonly id: string
  readonly isBusy: boolean
  readonly onClose: () => void
  readonly onRequeue: (letter: DeadLetterDetails) => void
}

/** All that is known of a dead letter, and what can be done about it. */
export function LetterDetails({ service, id, isBusy, onClose, onRequeue }: LetterDetailsProps): JSX.Element {
  const loading = useLetter(service, id).value
  const panel = useRef<HTMLElement>(null)
  // The next Tab leads to what can be done with the letter.
  useEffect(() => panel.current?.focus({ preventScroll: true }), [service, id])
  return (
    <aside
      ref={panel}
      tabIndex={-1}
      class="details"
      aria-label="Dead letter"
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        event.preventDefault()
        const row = document.querySelector<HTMLElement>('a.row-link[aria-current]')
        onClose()
        row?.focus()
      }}
    >
      <div class="details-head">
        <ServiceName name={service} />
        <CopyButton text={() => window.location.href} label="Copy link" icon="link" />
        <button type="button" class="icon-button" aria-label="Close details" title="Close (Esc)" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {loading.kind === 'loading' && <p class="muted">Asking {service} for it…</p>}
      {loading.kind === 'failed' && (
        <p class="note">
          <span>{loading.why}</span>
        </p>
      )}
      {loading.kind === 'loaded' && <Letter letter={loading.letter} isBusy={isBusy} onRequeue={onRequeue} />}
    </aside>
  )
}

function Letter({
  letter,
  isBusy,
  onRequeue,
}: { letter: DeadLetterDetails } & Pick<LetterDetailsProps, 'isBusy' | 'onRequeue'>): JSX.Element {
  const { id, source, topic, key, type, sequence, attempts, diedAtMs, reason, correlationId, body, isCut } = letter
  const isOfKey = topic !== null && key !== null
  return (
    <>
      <h2>{type ?? source.replace(':', ' ')}</h2>
      <p class="failure">
        <Icon name="alert" />
        <span>{reason}</span>
      </p>
      <p class="requeue">
        <button type="button" class="button" aria-disabled={isBusy} onClick={() => onRequeue(letter)}>
          {isOfKey ? `Requeue key ${key}` : 'Put it back into the queue'}
        </button>
        <span class="muted">
          {isOfKey
            ? 'Handles all that lies aside of this key again, in order, up to the first that fails.'
            : 'A worker takes it again; its deliveries are counted anew.'}
        </span>
      </p>
      <section>
        <h3>Facts</h3>
        <dl class="attributes">
          <Fact name="id">{id}</Fact>
          <Fact name="source">{source}</Fact>
          {isOfKey && <Fact name="topic">{topic}</Fact>}
          {isOfKey && <Fact name="key">{key}</Fact>}
          {sequence !== null && <Fact name="number">{sequence}</Fact>}
          <Fact name="tried">{plural(attempts, 'time')}</Fact>
          <Fact name="set aside">
            {formatDate(diedAtMs)} {formatTime(diedAtMs)}
          </Fact>
          {correlationId !== null && (
            <Fact name="correlation id">
              <a
                href={`/traces?q=${encodeURIComponent(correlationId)}`}
                title="All traces with this correlation id"
                onClick={(event) => follow(event, { page: 'traces', filter: { ...NO_FILTER, text: correlationId } })}
              >
                {correlationId}
              </a>
            </Fact>
          )}
        </dl>
      </section>
      <section>
        <h3>Body</h3>
        <pre class="body">{body}</pre>
        {isCut && <p class="muted">The rest is left out.</p>}
      </section>
    </>
  )
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
