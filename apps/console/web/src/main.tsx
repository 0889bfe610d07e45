import { render } from 'preact'
import { App } from './app.tsx'
import { startKeyboard } from './state/keyboard.ts'
import { startLive } from './state/live.ts'
import { startLocation } from './state/location.ts'
import { startSystem } from './state/system.ts'
import { startTheme } from './state/theme.ts'

startTheme()
startLocation()
startKeyboard()
startSystem()
startLive()
render(<App />, document.querySelector('#page')!)
