// What staff did, and the mails of a site that sends none.
import { fetchAudit, fetchMailbox } from '../api/staff.js';
import { PagedTable } from '../credits/paged-table.js';
import { formatDate } from '../format/clock.js';
import { useLoad } from '../state/use-load.js';

export function Audit() {
  return (
    <PagedTable
      title="Audit"
      columns={['When', 'Who', 'Did', 'To']}
      empty="Nothing was done yet."
      load={async (cursor) => {
        const { entries, next } = await fetchAudit(cursor);
        const rows = entries.map((one) => ({
          key: one.id,
          cells: [
            formatDate(one.createdAt),
            one.actorName,
            one.action,
            `${one.subjectType} ${one.subjectName ?? one.subjectId}`,
          ],
        }));
        return { rows, next };
      }}
    />
  );
}

export function Mailbox() {
  const { data } = useLoad(fetchMailbox, []);
  // With a mail server there is no such page.
  if (!data) return null;
  return (
    <section className="panel stack" aria-label="Mailbox">
      <h2>Mailbox</h2>
      <p className="muted">This site has no mail server; what it would send stands here.</p>
      {data.mails.map((mail) => (
        <details key={mail.id}>
          <summary>
            {mail.subject}, to {mail.to}, {formatDate(mail.createdAt)}
          </summary>
          <p className="mail-body">{mail.body}</p>
        </details>
      ))}
    </section>
  );
}
