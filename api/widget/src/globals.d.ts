/** The service version this bundle belongs to; set by the build. */
declare const VERSION: string;

declare module "*.css" {
  const text: string;
  export default text;
}
