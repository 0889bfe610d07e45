import type { JSX } from 'preact'
import type { ShownLog } from '../../../../src/http/answers.ts'
import { follow } from '../../state/location.ts'
import { formatDate, formatTime } from '../../view-model/format.ts'
import { wholeField } from './log-text.ts'
import { ALL_LOGS } from './route.ts'
import { type PageRoute, routeUrl } from '../registry.ts'
import { CopyButton } from '../../components/copy-button.tsx'
import { Icon } from '../../components/icon.tsx'
import { LevelBadge } from './level-badge.tsx'
import { ServiceName } from '../../components/service-name.tsx'

/** All that one record says, and where it leads. */
export function LogDetails({ log, onClose }: { log: ShownLog; onClose: () => void }): JSX.Element {
  const { time, service, instance, level, message, fields, traceId, spanId, correlationId } = log
  const timeMs = Date.parse(time)
  return (
    <aside class="details" aria-label="Log record">
      <div class="details-head">
        <ServiceName name={service} />
        <LevelBadge level={level} />
        <CopyButton text={() => window.location.href} label="Copy link" icon="link" />
        <button type="button" class="icon-button" aria-label="Close details" title="Close (Esc)" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {message !== '' && <h2 class="log-message">{message}</h2>}
      <p class="facts">
        <span>
          {formatDate(timeMs)} {formatTime(timeMs)}
        </span>
        {instance !== null && <span>{instance}</span>}
      </p>
      <p class="actions">
        {traceId !== null && <To to={{ page: 'trace', traceId, spanId: spanId ?? undefined }}>Open the trace</To>}
        {traceId !== null && <To to={{ page: 'logs', filter: { ...ALL_LOGS, traceId }, log: undefined }}>Logs of the trace</To>}
        {correlationId !== null && (
          <To to={{ page: 'logs', filter: { ...ALL_LOGS, correlationId }, log: undefined }}>Logs of this correlation id</To>
        )}
      </p>
      <section>
        <h3>Fields</h3>
        {Object.keys(fields).length === 0 ? (
          <p class="muted">None.</p>
        ) : (
          <dl class="attributes log-fields">
            {Object.entries(fields).map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{wholeField(value)}</dd>
              </div>
            ))}
          </dl>
        )}
      </section>
    </aside>
  )
}

function To({ to, children }: { to: PageRoute; children: string }): JSX.Element {
  return (
    <a class="button" href={routeUrl(to)} onClick={(event) => follow(event, to)}>
      {children}
    </a>
  )
}
