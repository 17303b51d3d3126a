import type { Layout } from '../job/layout.js';
import { SITE_FORMAT } from '../job/site-file.js';
import type { SiteFile } from '../job/site-file.js';
import { readIfThere } from '../system/if-there.js';

/** The site as the last apply left it, or null when nothing was applied. Throws when the file is of another format. */
export function readSiteFile(layout: Pick<Layout, 'siteFile'>): SiteFile | null {
  const text = readIfThere(layout.siteFile);
  if (text === null) return null;
  const site = JSON.parse(text) as SiteFile;
  if ((site.format as string) !== SITE_FORMAT) {
    throw new Error(
      `${layout.siteFile} has format ${site.format}, this program reads ${SITE_FORMAT}: run \`mirror apply\``,
    );
  }
  return site;
}
