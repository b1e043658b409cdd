// The player of another site, in a frame that may run its own scripts and nothing of ours: the
// content policy names the sites, the sandbox keeps it from moving this page.

/** `url` as the site gave it; only https is shown. */
export function ExternalPlayer({ url, title }: { url: string; title: string }) {
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') return null;
  return (
    <iframe
      className="external-player"
      data-testid="external-player"
      src={url}
      title={title}
      sandbox="allow-scripts allow-same-origin allow-presentation allow-popups"
      allow="autoplay; encrypted-media; fullscreen; picture-in-picture"
      referrerPolicy="strict-origin-when-cross-origin"
      loading="lazy"
    />
  );
}
