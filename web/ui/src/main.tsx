// Entry of the browser interface: styles, router, session, realtime, then React.
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { startRealtime } from './realtime/realtime.js';
import { startRouter } from './router/router.js';
import { startSite } from './site/site.js';
import { startSession } from './session/session.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/shell.css';

startRouter();
void startSite();
void startSession();
startRealtime();

const root = document.querySelector('#root');
if (root) createRoot(root).render(<App />);
