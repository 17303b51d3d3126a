import type { Layout } from '../job/layout.js';
import { SITE_FORMAT } from '../job/site-file.js';
import type { SiteFile } from '../job/site-file.js';
import { readSmallText } from '../boundary/small-file.js';

/** 5,000 packages take some 5 MB. */
const SITE_LIMIT_BYTES = 256 * 1024 * 1024;

/** The site as the last apply left it, or null when nothing was applied. Throws when the file is of another format. */
export function readSiteFile(layout: Pick<Layout, 'siteFile'>): SiteFile | null {
  const text = readSmallText(layout.siteFile, { limitBytes: SITE_LIMIT_BYTES });
  if (text === null) return null;
  const site = JSON.parse(text) as SiteFile;
  if ((site.format as string) !== SITE_FORMAT) {
    throw new Error(
      `${layout.siteFile} has format ${site.format}, this program reads ${SITE_FORMAT}: run \`mirror apply\``,
    );
  }
  return site;
}
