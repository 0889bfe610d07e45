import { render } from 'preact'
import { App } from './app.tsx'
import { startKeyboard } from './state/keyboard.ts'
import { startLive } from './state/live.ts'
import { route, startLocation } from './state/location.ts'
import { startSystem } from './state/system.ts'
import { startTheme } from './state/theme.ts'
import { loadView } from './state/views.ts'

// Asked for at once, beside all that has to begin.
if (route.value.page !== 'unknown') void loadView(route.value)
startTheme()
startLocation()
startKeyboard()
startSystem()
startLive()
render(<App />, document.querySelector('#page')!)
