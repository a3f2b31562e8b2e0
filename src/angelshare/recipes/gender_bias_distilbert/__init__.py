"""Ahn et al. 2022: does distilling an encoder amplify its gender bias, and does mixup lower it?"""
