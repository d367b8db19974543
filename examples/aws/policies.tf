# The JSON files beside this one, with names filled in. They are the same for people without
# Terraform: `bucket=… prefix=logs/ envsubst < writer-policy.json`.
locals {
  with_snowflake = var.snowflake_user_arn != null

  writer_policy = templatefile("${path.module}/writer-policy.json", {
    bucket = var.bucket
    prefix = var.prefix
  })

  verifier_policy = templatefile("${path.module}/verifier-policy.json", {
    bucket = var.bucket
    prefix = var.prefix
  })

  bucket_policy = templatefile("${path.module}/bucket-policy.json", {
    bucket = var.bucket
    prefix = var.prefix
  })

  snowflake_role_policy = templatefile("${path.module}/snowflake-role-policy.json", {
    bucket = var.bucket
    prefix = var.prefix
  })

  snowflake_role_trust = !local.with_snowflake ? null : templatefile("${path.module}/snowflake-role-trust.json", {
    snowflake_user_arn = var.snowflake_user_arn
    external_id        = var.external_id
  })

  # The provider takes a notification apart into arguments, so main.tf reads it from here.
  notification = var.queue_arn == null ? null : jsondecode(templatefile("${path.module}/bucket-notification.json", {
    queue_arn = var.queue_arn
    prefix    = var.prefix
  }))
}
