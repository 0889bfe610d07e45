import type { ComponentChildren, JSX } from 'preact'
import { isHelpOpen } from '../state/help.ts'
import { type Connection, connection } from '../state/live.ts'
import { follow, route } from '../state/location.ts'
import { system } from '../state/system.ts'
import { nextTheme, theme } from '../state/theme.ts'
import { ALL_LOGS, ALL_SAGAS, NO_FILTER, type Route, WHOLE_MAP, routeUrl } from '../view-model/route.ts'
import { HelpDialog } from './help-dialog.tsx'
import { Icon } from './icon.tsx'

const CONNECTION: Readonly<Record<Connection, { text: string; title: string }>> = {
  connecting: { text: 'Connecting', title: 'Waiting for the console' },
  live: { text: 'Live', title: 'News arrive as they happen' },
  lost: { text: 'Connection lost', title: 'The console does not answer; the page tries again every two seconds' },
}

interface PageLink {
  readonly title: string
  readonly to: Exclude<Route, { page: 'unknown' }>
  readonly isShown: (page: Route['page']) => boolean
}

const PAGES: readonly PageLink[] = [
  { title: 'System', to: { page: 'system' }, isShown: (page) => page === 'system' },
  { title: 'Messages', to: { page: 'messages', letter: undefined }, isShown: (page) => page === 'messages' },
  {
    title: 'Sagas',
    to: { page: 'sagas', filter: ALL_SAGAS },
    isShown: (page) => page === 'sagas' || page === 'saga' || page === 'choreography',
  },
  { title: 'Resilience', to: { page: 'resilience' }, isShown: (page) => page === 'resilience' },
  { title: 'Map', to: { page: 'map', view: WHOLE_MAP }, isShown: (page) => page === 'map' },
  { title: 'Traces', to: { page: 'traces', filter: NO_FILTER }, isShown: (page) => page === 'traces' || page === 'trace' },
  { title: 'Why slow?', to: { page: 'slow', operation: undefined }, isShown: (page) => page === 'slow' },
  { title: 'Logs', to: { page: 'logs', filter: ALL_LOGS, log: undefined }, isShown: (page) => page === 'logs' },
  { title: 'Labs', to: { page: 'labs', run: undefined }, isShown: (page) => page === 'labs' },
]

/** What stands around every page. */
export function Frame({ children }: { children: ComponentChildren }): JSX.Element {
  const { page } = route.value
  const { text, title } = CONNECTION[connection.value]
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="bar">
        <a class="brand" href="/system" onClick={(event) => follow(event, { page: 'system' })}>
          <Icon name="sail" />
          <span>Seaworthy</span>
        </a>
        <nav aria-label="Pages">
          {PAGES.map(({ title, to, isShown }) => (
            <a key={title} href={routeUrl(to)} aria-current={isShown(page) ? 'page' : undefined} onClick={(event) => follow(event, to)}>
              {title}
            </a>
          ))}
        </nav>
        <span class="spacer" />
        {system.value?.system != null && (
          <span class="system-name truncate" title={`System ${system.value.system}`}>
            {system.value.system}
          </span>
        )}
        <span class={`connection ${connection.value}`} title={title} role="status">
          <span class="dot" aria-hidden="true" />
          <span class="connection-text">{text}</span>
        </span>
        <button
          type="button"
          class="icon-button"
          title={`Theme: ${theme.value}`}
          aria-label={`Theme: ${theme.value}. Change it`}
          onClick={nextTheme}
        >
          <Icon name={theme.value === 'auto' ? 'auto' : theme.value === 'light' ? 'sun' : 'moon'} />
        </button>
        <button type="button" class="icon-button" title="Keys (?)" aria-label="Keys" onClick={() => (isHelpOpen.value = true)}>
          ?
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <HelpDialog />
    </>
  )
}
