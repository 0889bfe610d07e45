import type { ComponentChildren, JSX } from 'preact'
import { isHelpOpen } from '../state/help.ts'
import { type Connection, connection } from '../state/live.ts'
import { follow, route } from '../state/location.ts'
import { system } from '../state/system.ts'
import { nextTheme, theme } from '../state/theme.ts'
import { LINKS, pageOf, routeUrl } from '../pages/registry.ts'
import { HelpDialog } from './help-dialog.tsx'
import { Icon } from './icon.tsx'

const CONNECTION: Readonly<Record<Connection, { text: string; title: string }>> = {
  connecting: { text: 'Connecting', title: 'Waiting for the console' },
  live: { text: 'Live', title: 'News arrive as they happen' },
  lost: { text: 'Connection lost', title: 'The console does not answer; the page tries again every two seconds' },
}

/** What stands around every page. */
export function Frame({ children }: { children: ComponentChildren }): JSX.Element {
  const current = route.value
  const marked = current.page === 'unknown' ? undefined : (pageOf(current).within ?? current.page)
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
          {LINKS.map(({ page, title, to }) => (
            <a key={page} href={routeUrl(to)} aria-current={page === marked ? 'page' : undefined} onClick={(event) => follow(event, to)}>
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
