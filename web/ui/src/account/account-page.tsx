// A member's own account: picture, devices that are logged in, the password, its end.
import { RequireMember } from '../session/require-member.js';
import { AvatarPanel } from './avatar-panel.js';
import { ClosePanel } from './close-panel.js';
import { Devices } from './devices.js';
import { PasswordPanel } from './password-panel.js';
import '../styles/desk.css';

export function AccountPage() {
  return (
    <RequireMember title="Your account">
      {(user) => (
        <main className="page page-narrow" id="main" tabIndex={-1} key={user.id}>
          <div className="page-head">
            <h1 className="display">Your account</h1>
            <p className="muted">{user.username}</p>
          </div>
          <div className="desk-grid">
            <div className="stack desk-column">
              <AvatarPanel name={user.username} />
              <Devices />
            </div>
            <div className="stack desk-column">
              <PasswordPanel />
              <ClosePanel />
            </div>
          </div>
        </main>
      )}
    </RequireMember>
  );
}
