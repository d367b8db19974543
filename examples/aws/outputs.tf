output "writer_policy_arn" {
  description = "To attach to the user or role that forebay runs as, where writer_roles does not."
  value       = aws_iam_policy.writer.arn
}

output "verifier_policy_arn" {
  description = "To attach to the user or role that runs `forebay verify`."
  value       = aws_iam_policy.verifier.arn
}

output "storage_aws_role_arn" {
  description = "STORAGE_AWS_ROLE_ARN of the storage integration; null until it is described."
  value       = one(aws_iam_role.snowflake[*].arn)
}

output "storage_allowed_location" {
  description = "STORAGE_ALLOWED_LOCATIONS of the storage integration."
  value       = "s3://${aws_s3_bucket.audit.bucket}/${var.prefix}"
}
